import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SocketRecorder } from '../support/conversation-client.js';
import { makeKey, shown } from '../support/named-keys.js';
import { describeWithDatabase, TestDatabase } from '../support/postgres.js';
import { CommandProgram } from '../support/command-program.js';
import { eventually, ServerProcess } from '../support/server-process.js';

const SESSION = 'session-key';
const CURRENT = '/api/keys/current';

/** Runs `openhands-agent-server keys` in the folder of a server. */
const keys = (cwd: string, args: readonly string[], env: Record<string, string> = {}) =>
  CommandProgram.run(cwd, 'keys', args, { SESSION_API_KEY: SESSION, ...env });

/** What holds with files and with a database. */
function worksBesideAServer(start: () => Promise<ServerProcess>, env: () => Record<string, string>): void {
  it('makes keys that a running server accepts, and revokes them on its open sockets', async () => {
    const server = await start();
    try {
      const made = await keys(
        server.cwd,
        ['create', 'by hand', '--scope', 'read', '--expires', '30d'],
        env(),
      );
      expect(made.code).toBe(0);
      expect(made.stderr).toContain('shown this once');
      const key = made.stdout.trim();
      const seen = await server.request('GET', CURRENT, undefined, shown(key));
      expect(seen).toMatchObject({ status: 200, body: { name: 'by hand', scope: 'read', reach: 'all' } });
      const socket = new SocketRecorder(server.socketUrl('/sockets/conversations'), shown(key));
      await socket.opened();
      await makeKey(server, { name: 'by request', scope: 'admin' });
      const listed = await keys(server.cwd, ['list'], env());
      expect(listed.stdout).toMatch(/^by hand \([0-9a-f]{16}\): read, all, until 20.*\nby request .*\n$/);
      expect(await keys(server.cwd, ['revoke', 'by hand'], env())).toMatchObject({ code: 0, stdout: '' });
      await eventually(() => socket.closeCode === 4001, 'the socket closed');
      const { body: audit } = await server.request('GET', '/api/audit?key=command-line');
      expect((audit as { items: object[] }).items).toMatchObject(
        ['Keys_revoke', 'Keys_create'].map((operation) => ({
          ...{ operation, outcome: 'done', address: null, conversation_id: null },
          key_name: expect.stringMatching(/^command line \(.+\)$/) as string,
        })),
      );
      expect((await server.request('GET', CURRENT, undefined, shown(key))).status).toBe(401);
    } finally {
      await server.stop();
    }
  });
}

describe('the command keys', () => {
  worksBesideAServer(
    () => ServerProcess.start({ key: SESSION, env: { SESSION_API_KEY: SESSION } }),
    () => ({}),
  );

  it('works before the first start of a server that requires named keys', async () => {
    const server = await ServerProcess.start({ env: { OH_REQUIRE_KEYS: 'true' } });
    try {
      expect((await server.request('GET', CURRENT)).status).toBe(401);
      const folder = server.cwd;
      const env = { SESSION_API_KEY: '', OH_REQUIRE_KEYS: 'true' };
      const { stdout } = await keys(folder, ['create', 'first', '--scope', 'admin'], env);
      const list = await server.request('GET', '/api/keys', undefined, shown(stdout.trim()));
      expect(list).toMatchObject({ status: 200, body: { keys: [{ name: 'first', scope: 'admin' }] } });
    } finally {
      await server.stop();
    }
  });

  describe('explains', () => {
    const refusals: [args: string[], code: number, text: string][] = [
      [[], 2, 'keys requires create, list or revoke'],
      [['create'], 2, 'requires the name of a key'],
      [['create', 'a'], 2, 'requires --scope'],
      [['create', 'a', '--scope', 'root'], 2, "scope: Input should be 'read', 'write' or 'admin'"],
      [['create', '<', '--scope', 'read'], 2, 'name: '],
      [['create', 'a', '--scope', 'read', '--expires', 'soon'], 2, 'expires_at: '],
      [['create', 'a', '--scope', 'read', '--limit', 'usd_per_day'], 2, '--limit requires NAME=N'],
      [['create', 'a', '--scope', 'read', '--limit', 'euros=1'], 2, 'limits.euros: '],
      [['list', '--scope', 'read'], 2, 'are for create'],
      [['revoke', 'nobody'], 1, 'There is no key with this id'],
    ];
    let server: ServerProcess;
    let results: Awaited<ReturnType<typeof CommandProgram.runEach>>;
    beforeAll(async () => {
      server = await ServerProcess.start({ key: SESSION, env: { SESSION_API_KEY: SESSION } });
      const lines = refusals.map(([args]) => ({ args, env: { SESSION_API_KEY: SESSION } }));
      results = await CommandProgram.runEach(server.cwd, 'keys', lines);
    });
    afterAll(() => server.stop());

    it.each(refusals)('that %j cannot be done', (args, code, text) => {
      const result = results[refusals.findIndex(([refused]) => refused === args)];
      expect(result).toEqual({ code, stdout: '', stderr: expect.stringContaining(text) as unknown });
    });

    it('that stored keys are damaged, and the server refuses named keys until they are mended', async () => {
      const { key } = await makeKey(server, { scope: 'read' });
      const file = path.join(server.cwd, 'persistence', 'api-keys.json');
      await writeFile(file, '{"schema_version": 1, "keys": [');
      const listed = await keys(server.cwd, ['list']);
      expect([listed.code, listed.stdout]).toEqual([1, '']);
      expect(listed.stderr).toContain('it is not JSON');
      await eventually(
        async () => (await server.request('GET', CURRENT, undefined, shown(key))).status === 503,
        'the refusal',
      );
      expect((await server.request('GET', CURRENT)).status).toBe(200);
    });
  });
});

describeWithDatabase('the command keys with a database', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.drop());
  const env = () => ({ OH_DATABASE_URL: database.url });

  worksBesideAServer(
    () => ServerProcess.start({ key: SESSION, env: { SESSION_API_KEY: SESSION, ...env() } }),
    env,
  );
});
