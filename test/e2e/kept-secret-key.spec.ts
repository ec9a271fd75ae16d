import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ServerProcess } from '../support/server-process.js';
import { at, asJson } from '../support/settings-fixture.js';
import { writeFiles } from '../support/write-files.js';

const ENCRYPTED = { 'x-expose-secrets': 'encrypted' };
const PLAIN = { 'x-expose-secrets': 'plaintext' };

describe('the secret key of a server with a web UI', () => {
  let folder: string;
  let file: string;
  const servers: ServerProcess[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'kept-key-'));
    file = path.join(folder, 'persistence/agent-canvas/secret-key.txt');
    await writeFiles(folder, { 'ui/index.html': '<html><head></head></html>' });
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(env: Record<string, string> = {}, args = ['--ui', path.join(folder, 'ui')]) {
    const server = await ServerProcess.start({ cwd: folder, args, env });
    servers.push(server);
    return server;
  }
  const withoutUi = (env: Record<string, string> = {}) => start(env, []);
  const store = async (server: ServerProcess, key: string) => {
    const body = { agent_settings_diff: { llm: { model: 'openai/x', api_key: key } } };
    expect((await server.request('PATCH', '/api/settings', body)).status).toBe(200);
  };
  const stored = async (server: ServerProcess) =>
    at(
      asJson((await server.request('GET', '/api/settings', undefined, PLAIN)).body),
      'agent_settings',
      'llm',
      'api_key',
    );

  it('is made once by servers that start at the same time, for this user only, and never shown', async () => {
    const started = await Promise.all([start(), start(), start()]);
    const [one, ...others] = started;
    const key = (await readFile(file, 'utf8')).trim();
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(path.dirname(file))).mode & 0o777).toBe(0o700);
    expect(await readdir(path.dirname(file))).toEqual(['secret-key.txt']);
    const body = { llm: { model: 'openai/x', api_key: 'sk-hush' } };
    await one.request('POST', '/api/profiles/shared', body);
    for (const other of others) {
      const { body: shown } = await other.request('GET', '/api/profiles/shared', undefined, PLAIN);
      expect(at(asJson(shown), 'config', 'api_key')).toBe('sk-hush');
    }
    expect((await one.request('GET', '/api/settings', undefined, ENCRYPTED)).status).toBe(200);
    await store(one, 'sk-hush');
    expect(await readFile(path.join(folder, 'persistence/settings.json'), 'utf8')).not.toContain('sk-hush');
    const logs = await Promise.all(started.map((server) => server.flushedLog()));
    const made = `made a secret key, because the web UI needs one and OH_SECRET_KEY is not set: ${file}`;
    expect(logs.filter((log) => log.includes('made a secret key'))).toEqual([expect.stringContaining(made)]);
    expect(logs.join('')).not.toContain('OH_SECRET_KEY was not defined');
    await Promise.all(started.map((server) => server.end()));
    const again = await start();
    await again.logs(`OH_SECRET_KEY is not set: stored secrets are encrypted with the key in ${file}`);
    expect(await stored(again)).toBe('sk-hush');
    expect((await readFile(file, 'utf8')).trim()).toBe(key);
    expect(logs.join('') + (await again.flushedLog())).not.toContain(key);
  });

  it('is not made without a web UI, where the log and the answer 503 explain what is missing', async () => {
    const server = await withoutUi();
    await server.logs('OH_SECRET_KEY was not defined. Secrets will not be persisted between restarts.');
    expect(await stat(file).catch(() => undefined)).toBeUndefined();
    const { status, body } = await server.request('GET', '/api/settings', undefined, ENCRYPTED);
    expect([status, asJson(body)['exception']]).toEqual([
      503,
      expect.stringMatching(
        /^503: Encryption not available: OH_SECRET_KEY is not configured\. Cannot return encrypted secrets\. Start the server with OH_SECRET_KEY=/,
      ),
    ]);
    await server.logs(/a client asked for encrypted secrets.* Start the server with OH_SECRET_KEY=KEY/);
  });

  it('is not made if SESSION_API_KEY is set', async () => {
    const server = await start({ SESSION_API_KEY: 'a key of mine' });
    await server.logs('listening on');
    expect(await stat(file).catch(() => undefined)).toBeUndefined();
  });

  it('still decrypts without the web UI and with OH_SECRET_KEY, which needs no such file', async () => {
    const first = await start();
    await store(first, 'sk-hush');
    await first.end();
    // Encrypts nothing.
    const second = await withoutUi();
    await second.logs('OH_SECRET_KEY was not defined');
    expect(await stored(second)).toBe('sk-hush');
    expect((await second.request('GET', '/api/settings', undefined, ENCRYPTED)).status).toBe(503);
    await second.end();
    const third = await start({ OH_SECRET_KEY: 'a key of mine' });
    expect(await stored(third)).toBe('sk-hush');
    await store(third, 'sk-other');
    await third.end();
    await rm(file);
    const fourth = await start({ OH_SECRET_KEY: 'a key of mine' });
    expect(await stored(fourth)).toBe('sk-other');
    await fourth.logs('listening on');
    expect(await stat(file).catch(() => undefined)).toBeUndefined();
    // Four starts, one after the other.
  }, 240_000);

  it('is neither used nor replaced if its file is damaged, and the server starts', async () => {
    const content = 'x'.repeat(5000);
    await writeFiles(folder, { 'persistence/agent-canvas/secret-key.txt': content });
    const server = await start();
    await server.logs(/no secret key: .*secret-key\.txt contains no key of one line/);
    await server.logs(/set OH_SECRET_KEY, or mend or remove/);
    expect(await readFile(file, 'utf8')).toBe(content);
    expect((await server.request('GET', '/api/settings')).status).toBe(200);
  });

  it('does not keep the server from starting where nothing can be written', async () => {
    // Even root cannot write there.
    const server = await start({ OH_PERSISTENCE_DIR: '/proc/persistence' });
    await server.logs(/no secret key: E\w+: .*The web UI can send no message without one: set OH_SECRET_KEY/);
  });

  it('may be a key that a person has chosen, and is reported if other users may read it', async () => {
    await writeFiles(folder, {
      'persistence/agent-canvas/secret-key.txt': 'ein Schlüssel mit Leerzeichen\r\n',
    });
    await chmod(file, 0o644);
    const server = await start();
    await server.logs(`other users may read the secret key: run chmod 600 ${file}`);
    await store(server, 'sk-hush');
    await server.end();
    expect(await stored(await withoutUi({ OH_SECRET_KEY: 'ein Schlüssel mit Leerzeichen' }))).toBe('sk-hush');
  });
});
