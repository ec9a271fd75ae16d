import { appendFile, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { amount } from '../load/load-watch.js';
import { ConversationClient, scriptedRequest, type SeenEvent } from '../support/conversation-client.js';
import { CommandProgram } from '../support/command-program.js';
import { describeWithDatabase, TestDatabase } from '../support/postgres.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const KEY = 'the-key-of-the-test';
/**
 * A short lease: a killed run holds its conversations until it has ended. Not the shortest: a run that stands
 * still for longer, on a busy machine, ends with an error.
 */
const SECRETS = { OH_SECRET_KEY: KEY, OH_SERVER_LEASE_SECONDS: '3' };

/** Events of a log in which a move is killed; more with `LOAD=full`. */
const LONG_LOG = amount(5000, 20_000);

/** What a client can read of everything that is stored. */
interface Seen {
  conversations: Record<string, { info: unknown; events: SeenEvent[] }>;
  settings: unknown;
  profiles: unknown;
  bash: unknown;
}

describeWithDatabase('move', () => {
  let cwd: string;
  let database: TestDatabase;

  beforeEach(async () => {
    cwd = await realpath(await mkdtemp(path.join(os.tmpdir(), 'move-')));
    database = await TestDatabase.create();
  });
  afterEach(async () => {
    await rm(cwd, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    await database.drop();
  });

  const start = (env: Record<string, string> = {}) =>
    ServerProcess.start({ cwd, env: { ...SECRETS, ...env } });
  const toDatabase = (...more: string[]) =>
    CommandProgram.run(cwd, 'move', ['--from', 'workspace', '--to', database.url, ...more], SECRETS);
  const conversationFolder = (id: string) =>
    path.join(cwd, 'workspace/conversations', id.replaceAll('-', ''));

  /** Stores something of each kind. @returns the conversations */
  async function fill(server: ServerProcess): Promise<ConversationClient[]> {
    const texts = ['RUN: echo one\nFINISH: done', 'SAY: größer ✓', 'RUN: seq 1 20000\nFINISH: long'];
    const clients: ConversationClient[] = [];
    for (const text of texts) {
      const client = await ConversationClient.create(server, scriptedRequest(server.cwd, text));
      await client.reaches('finished');
      clients.push(client);
    }
    const llm = { model: 'scripted/test', api_key: 'marked-secret' };
    expect((await server.request('POST', '/api/profiles/main', { llm })).status).toBe(201);
    const settings = { agent_settings_diff: { llm: { model: 'scripted/demo' } } };
    expect((await server.request('PATCH', '/api/settings', settings)).status).toBe(200);
    await server.request('POST', '/api/bash/execute_bash_command', { command: 'echo in the history' });
    return clients;
  }

  async function see(server: ServerProcess): Promise<Seen> {
    const { body } = await server.request('GET', '/api/conversations/search?limit=100');
    const { items } = body as { items: { id: string }[] };
    const conversations: Seen['conversations'] = {};
    for (const { id } of items) {
      const client = new ConversationClient(server, id);
      conversations[id] = { info: await client.info(), events: await client.events() };
    }
    const read = async (route: string) => (await server.request('GET', route)).body;
    return {
      conversations,
      settings: await read('/api/settings'),
      profiles: await read('/api/profiles/main'),
      bash: await read('/api/bash/bash_events/search'),
    };
  }

  it('moves everything to a database and back', async () => {
    let server = await start();
    await fill(server);
    const before = await see(server);
    await server.end();

    const there = await toDatabase();
    expect(there).toMatchObject({ code: 0, stderr: '' });
    expect(there.stdout).toContain('conversations: 3 moved, 0 were the same');
    expect(there.stdout).not.toContain('marked-secret');
    server = await start({ OH_DATABASE_URL: database.url });
    expect(await see(server)).toEqual(before);
    const [id = ''] = Object.keys(before.conversations);
    const client = new ConversationClient(server, id);
    await client.send('SAY: written on the database');
    await client.reaches('finished');
    const added = await see(server);
    await server.end();

    const back = await CommandProgram.run(
      cwd,
      'move',
      ['--from', database.url, '--to', 'workspace'],
      SECRETS,
    );
    expect(back).toMatchObject({ code: 0, stderr: '' });
    expect(back.stdout).toContain('conversations: 1 moved, 2 were the same');
    server = await start();
    expect(await see(server)).toEqual(added);
    await server.end();
  });

  it.each(['a database', 'a database and back'])(
    'moves what webhooks have not got yet to %s',
    async (way) => {
      const receiver = await WebhookReceiver.start();
      try {
        const hook = { OH_WEBHOOKS_0_BASE_URL: receiver.url, OH_WEBHOOKS_0_FLUSH_DELAY: '0.1' };
        await receiver.down();
        let server = await start({ ...hook, OH_WEBHOOKS_0_RETRY_DELAY: '0' });
        const clients = await fill(server);
        const sent = (await Promise.all(clients.map((client) => client.events()))).flat();
        // Its events are pending in an outbox from now on.
        expect((await server.request('DELETE', `/api/conversations/${clients[0]?.id ?? ''}`)).status).toBe(
          200,
        );
        await server.end();
        const places = ['workspace', database.url, ...(way.endsWith('back') ? ['workspace'] : [])];
        for (const [at, to] of places.slice(1).entries()) {
          const args = ['--from', places[at] ?? '', '--to', to];
          const { code, stdout } = await CommandProgram.run(cwd, 'move', args, { ...SECRETS, ...hook });
          expect({ code, stdout }).toMatchObject({ code: 0 });
          expect(stdout).toMatch(/^pending webhook deliveries: \d+ moved$/m);
        }
        await receiver.up();
        const url = way.endsWith('back') ? '' : database.url;
        server = await start({ ...hook, OH_DATABASE_URL: url });
        const wanted = sent.map(({ id }) => id);
        await eventually(() => {
          const got = receiver.taken('events').map(({ text }) => text);
          return wanted.every((id) => got.some((text) => text.includes(id)));
        }, 'all events at the receiver');
        for (const { text } of receiver.taken('events'))
          expect(JSON.parse(text)).toEqual(
            expect.arrayContaining([expect.objectContaining({ id: expect.any(String) as string })]),
          );
        await server.end();
      } finally {
        await receiver.down();
      }
    },
  );

  it('says in a dry run what would be moved, and writes nothing', async () => {
    const server = await start();
    await fill(server);
    await server.end();
    const { code, stdout } = await toDatabase('--dry-run');
    expect(code).toBe(0);
    expect(stdout).toContain('conversations: 3 would be moved, 0 were the same');
    expect(stdout).toContain('dry run: nothing was written');
    for (const table of ['conversation', 'metadata', 'event'])
      expect(await database.query(`SELECT * FROM ${table}`)).toEqual([]);
    // The database remembers the secret key from the first connection on.
    expect(await database.query('SELECT name FROM document')).toEqual([{ name: 'server/secret-key.json' }]);
    expect(await readdir(path.join(cwd, 'workspace/conversations'))).not.toContain('.move.json');
  });

  it('reports damaged conversations, moves the others, and ends with 1', async () => {
    const server = await start();
    const [first, second, third] = await fill(server);
    await server.end();
    const [metadata, log] = [first, second].map((client) => conversationFolder(client?.id ?? ''));
    await writeFile(path.join(metadata ?? '', 'metadata.json'), '{"id"');
    const events = path.join(log ?? '', 'events.jsonl');
    const lines = (await readFile(events, 'utf8')).split('\n');
    await writeFile(events, [lines[0], '\0'.repeat(50), ...lines.slice(2)].join('\n'));

    const result = await toDatabase();
    expect(result.code).toBe(1);
    expect(result.stdout).toContain('conversations: 1 moved');
    expect(result.stdout).toContain(`left out: conversation ${first?.id ?? ''}: `);
    expect(result.stdout).toMatch(
      new RegExp(`left out: conversation ${second?.id ?? ''}: .*1 of its events cannot be read \\(1\\)`),
    );
    expect(result.stdout).toContain('2 left out: 2 damaged');
    const moved = await database.query('SELECT conversation FROM metadata');
    expect(moved).toEqual([{ conversation: third?.id }]);

    const accepted = await toDatabase('--accept-damaged');
    expect(accepted.stdout).toContain('conversations: 1 moved, 1 were the same');
    expect(accepted.stdout).toContain('1 left out: 1 damaged');
  });

  it('names the server that has a conversation open, and waits for it if asked', async () => {
    const server = await start();
    const [, , open] = await fill(server);
    const tried = await toDatabase('--dry-run');
    expect(tried.code).toBe(1);
    expect(tried.stdout).toContain('conversations: 0 would be moved');
    expect(tried.stdout).toContain(
      `would be left out: conversation ${open?.id ?? ''}: the server with process id ${server.pid}`,
    );
    expect(tried.stdout).toContain('3 would be left out: 3 held by running servers (stop them, or --wait)');
    const held = await toDatabase();
    expect(held.code).toBe(1);
    expect(held.stdout).toMatch(
      new RegExp(
        `left out: conversation ${open?.id ?? ''}: the server with process id ${server.pid} on .* has it open at the source`,
      ),
    );
    const waiting = new CommandProgram(
      cwd,
      'move',
      ['--from', 'workspace', '--to', database.url, '--wait', '60'],
      SECRETS,
    );
    await server.end();
    expect(await waiting.result()).toMatchObject({ code: 0 });
  });

  it('goes on after it was killed at any moment', async () => {
    const server = await start();
    const clients = await fill(server);
    const before = await see(server);
    await server.end();
    // A long log, so that it is also ended within one.
    const [client] = clients;
    const log = path.join(conversationFolder(client?.id ?? ''), 'events.jsonl');
    const line = (await readFile(log, 'utf8')).trimEnd().split('\n').at(-1) ?? '';
    const { id } = JSON.parse(line) as { id: string };
    const more = Array.from({ length: LONG_LOG }, (_, index) =>
      line.replace(id, `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`),
    );
    await appendFile(log, `${more.join('\n')}\n`);
    let delay = 400;
    for (let finished = false; !finished; delay *= 1.7) {
      const run = new CommandProgram(cwd, 'move', ['--from', 'workspace', '--to', database.url], SECRETS);
      const timer = setTimeout(() => run.kill(), delay);
      const { code } = await run.result();
      clearTimeout(timer);
      finished = code !== null;
      if (finished) expect({ code, stdout: run.stdout }).toEqual({ code: 0, stdout: run.stdout });
    }
    const counts = await database.query('SELECT conversation, count(*)::int FROM event GROUP BY 1');
    const wanted = Object.entries(before.conversations).map(([conversation, { events }]) => ({
      conversation,
      count: events.length + (conversation === client?.id ? more.length : 0),
    }));
    expect(counts).toEqual(expect.arrayContaining(wanted));
    expect(counts).toHaveLength(wanted.length);
  });

  it('refuses a target that holds something else', async () => {
    const server = await start();
    await fill(server);
    await server.end();
    expect(await toDatabase()).toMatchObject({ code: 0 });
    const other = path.join(cwd, 'other');
    await mkdir(path.join(other, 'conversations'), { recursive: true });
    const refused = await CommandProgram.run(cwd, 'move', ['--from', 'other', '--to', database.url], SECRETS);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('is not empty, and what it holds was not moved from files in');

    const again = await toDatabase();
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('this was moved completely on ');
    expect(await toDatabase('--again')).toMatchObject({ code: 0 });
  });

  it('leaves what was used at the target since as it is', async () => {
    let server = await start();
    const [client] = await fill(server);
    await server.end();
    expect(await toDatabase()).toMatchObject({ code: 0 });
    server = await start({ OH_DATABASE_URL: database.url });
    await client?.on(server).send('SAY: more');
    await client?.on(server).reaches('finished');
    await server.request('PATCH', '/api/settings', {
      agent_settings_diff: { llm: { model: 'scripted/other' } },
    });
    await server.end();
    const { code, stdout } = await toDatabase('--again');
    expect(code).toBe(1);
    expect(stdout).toContain(`left out: conversation ${client?.id ?? ''}: the target has `);
    expect(stdout).toContain('left out: document settings.json: it was changed at the target');
    expect(stdout).toContain('2 left out: 2 that differ at the target');
  });

  it('explains a wrong secret key, wrong places and an unknown database', async () => {
    const server = await start();
    await fill(server);
    await server.end();
    const said = async (from: string, to: string, env: Record<string, string> = SECRETS) => {
      const { code, stderr } = await CommandProgram.run(cwd, 'move', ['--from', from, '--to', to], env);
      expect(code).toBe(1);
      return stderr.trim();
    };
    const wrong = { OH_SECRET_KEY: 'another' };
    expect(await said('workspace', database.url, wrong)).toContain('the secret key does not decrypt ');
    expect(await said('workspace', database.url, {})).toContain('there is no secret key: set OH_SECRET_KEY');
    expect(await said('nowhere', database.url)).toContain(`${path.join(cwd, 'nowhere')} does not exist`);
    expect(await said('.', database.url)).toContain('has no folder conversations');
    expect(await said('workspace/conversations/x', database.url)).toContain('does not exist');
    expect(await said('workspace', 'mysql://host/x')).toContain('unknown kind of place mysql://');
    expect(await said('workspace', 'workspace')).toContain('source and target are the same');
    expect(await said('workspace', 'postgres')).toContain('no database is configured');
    const unknown = database.url.replace(database.name, 'no_such_database');
    expect(await said('workspace', unknown)).toContain('the database of the URL does not exist');
    const password = 'postgres://user:marked-password@127.0.0.1:1/x';
    expect(await said('workspace', password)).toContain('nothing listens at the host and port');
  });
});
