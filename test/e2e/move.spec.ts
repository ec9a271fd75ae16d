import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { amount, FULL } from '../load/load-watch.js';
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
  /** A folder in which a server has stored something of each kind. Each test gets a copy. */
  let filled: string;
  /** Its conversations, and what clients read of everything. */
  let ids: string[];
  let before: Seen;
  let cwd: string;
  let database: TestDatabase;

  beforeAll(async () => {
    filled = await temporaryFolder();
    const server = await start({}, filled);
    ids = await fill(server);
    before = await see(server);
    await server.end();
  });
  beforeEach(async () => {
    cwd = await temporaryFolder();
    await cp(filled, cwd, { recursive: true, preserveTimestamps: true });
    database = await TestDatabase.create();
  });
  afterEach(async () => {
    await remove(cwd);
    await database.drop();
  });
  afterAll(() => remove(filled));

  const temporaryFolder = async () => realpath(await mkdtemp(path.join(os.tmpdir(), 'move-')));
  const remove = (folder: string) =>
    rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  const start = (env: Record<string, string> = {}, folder = cwd) =>
    ServerProcess.start({ cwd: folder, env: { ...SECRETS, ...env } });
  /** A client of one of the conversations. */
  const conversation = (server: ServerProcess, index: number) =>
    new ConversationClient(server, ids[index] ?? '');
  const toDatabase = (...more: string[]) =>
    CommandProgram.run(cwd, 'move', ['--from', 'workspace', '--to', database.url, ...more], SECRETS);
  const conversationFolder = (id: string) =>
    path.join(cwd, 'workspace/conversations', id.replaceAll('-', ''));

  /** Stores something of each kind. @returns the ids of the conversations */
  async function fill(server: ServerProcess): Promise<string[]> {
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
    return clients.map(({ id }) => id);
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

  it('moves everything to a database and back, and leaves what was used at the target since as it is', async () => {
    const there = await toDatabase();
    expect(there).toMatchObject({ code: 0, stderr: '' });
    expect(there.stdout).toContain('conversations: 3 moved, 0 were the same');
    expect(there.stdout).not.toContain('marked-secret');
    let server = await start({ OH_DATABASE_URL: database.url });
    expect(await see(server)).toEqual(before);
    const client = conversation(server, 0);
    await client.send('SAY: written on the database');
    await client.reaches('finished');
    await server.request('PATCH', '/api/settings', {
      agent_settings_diff: { llm: { model: 'scripted/other' } },
    });
    const changed = await see(server);
    await server.end();

    const { code, stdout } = await toDatabase('--again');
    expect(code).toBe(1);
    expect(stdout).toContain(`left out: conversation ${client.id}: the target has `);
    expect(stdout).toContain('left out: document settings.json: it was changed at the target');
    expect(stdout).toContain('2 left out: 2 that differ at the target');

    const back = await CommandProgram.run(
      cwd,
      'move',
      ['--from', database.url, '--to', 'workspace'],
      SECRETS,
    );
    expect(back).toMatchObject({ code: 0, stderr: '' });
    expect(back.stdout).toContain('conversations: 1 moved, 2 were the same');
    server = await start();
    expect(await see(server)).toEqual(changed);
    await server.end();
  });

  describe('with events that webhooks have not got yet', () => {
    let receiver: WebhookReceiver;
    let hook: Record<string, string>;
    let pending: string;
    let sent: SeenEvent[];

    beforeAll(async () => {
      receiver = await WebhookReceiver.start();
      await receiver.down();
      hook = { OH_WEBHOOKS_0_BASE_URL: receiver.url, OH_WEBHOOKS_0_FLUSH_DELAY: '0.1' };
      pending = await temporaryFolder();
      const server = await start({ ...hook, OH_WEBHOOKS_0_RETRY_DELAY: '0' }, pending);
      const clients = (await fill(server)).map((id) => new ConversationClient(server, id));
      sent = (await Promise.all(clients.map((client) => client.events()))).flat();
      // Its events are pending in an outbox from now on.
      expect((await server.request('DELETE', clients[0]?.route ?? '')).status).toBe(200);
      await server.end();
    });
    beforeEach(async () => {
      await remove(cwd);
      await cp(pending, cwd, { recursive: true, preserveTimestamps: true });
      receiver.received.length = 0;
    });
    afterEach(() => receiver.down());
    afterAll(() => remove(pending));

    it.each(['a database', 'a database and back'])('moves them to %s', async (way) => {
      const places = ['workspace', database.url, ...(way.endsWith('back') ? ['workspace'] : [])];
      for (const [at, to] of places.slice(1).entries()) {
        const args = ['--from', places[at] ?? '', '--to', to];
        const { code, stdout } = await CommandProgram.run(cwd, 'move', args, { ...SECRETS, ...hook });
        expect({ code, stdout }).toMatchObject({ code: 0 });
        expect(stdout).toMatch(/^pending webhook deliveries: \d+ moved$/m);
      }
      await receiver.up();
      const url = way.endsWith('back') ? '' : database.url;
      const server = await start({ ...hook, OH_DATABASE_URL: url });
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
    });
  });

  it('says in a dry run what would be moved, and writes nothing', async () => {
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
    const [first = '', second = '', third = ''] = ids;
    await writeFile(path.join(conversationFolder(first), 'metadata.json'), '{"id"');
    const events = path.join(conversationFolder(second), 'events.jsonl');
    const lines = (await readFile(events, 'utf8')).split('\n');
    await writeFile(events, [lines[0], '\0'.repeat(50), ...lines.slice(2)].join('\n'));

    const result = await toDatabase();
    expect(result.code).toBe(1);
    expect(result.stdout).toContain('conversations: 1 moved');
    expect(result.stdout).toContain(`left out: conversation ${first}: `);
    expect(result.stdout).toMatch(
      new RegExp(`left out: conversation ${second}: .*1 of its events cannot be read \\(1\\)`),
    );
    expect(result.stdout).toContain('2 left out: 2 damaged');
    const moved = await database.query('SELECT conversation FROM metadata');
    expect(moved).toEqual([{ conversation: third }]);

    const accepted = await toDatabase('--accept-damaged');
    expect(accepted.stdout).toContain('conversations: 1 moved, 1 were the same');
    expect(accepted.stdout).toContain('1 left out: 1 damaged');
  });

  it('names the server that has a conversation open, and waits for it if asked', async () => {
    const server = await start();
    for (const index of ids.keys()) {
      const { route } = conversation(server, index);
      expect((await server.request('PATCH', route, { title: 'opened' })).status).toBe(200);
    }
    const [, , open = ''] = ids;
    const tried = await toDatabase('--dry-run');
    expect(tried.code).toBe(1);
    expect(tried.stdout).toContain('conversations: 0 would be moved');
    expect(tried.stdout).toContain(
      `would be left out: conversation ${open}: the server with process id ${server.pid}`,
    );
    expect(tried.stdout).toContain('3 would be left out: 3 held by running servers (stop them, or --wait)');
    const held = await toDatabase();
    expect(held.code).toBe(1);
    expect(held.stdout).toMatch(
      new RegExp(
        `left out: conversation ${open}: the server with process id ${server.pid} on .* has it open at the source`,
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
    // A long log, so that it is also ended within one.
    const [long = ''] = ids;
    const log = path.join(conversationFolder(long), 'events.jsonl');
    const line = (await readFile(log, 'utf8')).trimEnd().split('\n').at(-1) ?? '';
    const { id } = JSON.parse(line) as { id: string };
    const more = Array.from({ length: LONG_LOG }, (_, index) =>
      line.replace(id, `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`),
    );
    await appendFile(log, `${more.join('\n')}\n`);

    const run = () => new CommandProgram(cwd, 'move', ['--from', 'workspace', '--to', database.url], SECRETS);
    const moved = () =>
      database.query('SELECT count(*)::int FROM event').then(
        ([row]) => Number(row?.['count']),
        // There is no table yet.
        () => 0,
      );
    const moments: ((move: CommandProgram) => boolean | Promise<boolean>)[] = [
      ({ stdout }) => stdout.includes('from '),
      async () => (await moved()) > 0,
      async () => (await moved()) > LONG_LOG / 2,
    ];
    for (const isReached of moments) {
      const move = run();
      await eventually(async () => move.hasEnded || (await isReached(move)), 'the moment of the kill');
      move.kill();
      await move.result();
    }
    let delay = 400;
    for (let finished = false; !finished; delay *= 1.7) {
      const move = run();
      const timer = FULL ? setTimeout(() => move.kill(), delay) : undefined;
      const { code } = await move.result();
      clearTimeout(timer);
      finished = code !== null;
      if (finished) expect({ code, stdout: move.stdout }).toEqual({ code: 0, stdout: move.stdout });
    }
    const counts = await database.query('SELECT conversation, count(*)::int FROM event GROUP BY 1');
    const wanted = Object.entries(before.conversations).map(([conversation, { events }]) => ({
      conversation,
      count: events.length + (conversation === long ? more.length : 0),
    }));
    expect(counts).toEqual(expect.arrayContaining(wanted));
    expect(counts).toHaveLength(wanted.length);
  });

  it('refuses a target that holds something else', async () => {
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

  it('explains a wrong secret key, wrong places and an unknown database', async () => {
    const args = (from: string, to: string) => ['--from', from, '--to', to];
    const wrong = await CommandProgram.run(cwd, 'move', args('workspace', database.url), {
      OH_SECRET_KEY: 'another',
    });
    const unknown = database.url.replace(database.name, 'no_such_database');
    const password = 'postgres://user:marked-password@127.0.0.1:1/x';
    const cases: [from: string, to: string, message: string, env?: Record<string, string>][] = [
      ['workspace', database.url, 'there is no secret key: set OH_SECRET_KEY', {}],
      ['nowhere', database.url, `${path.join(cwd, 'nowhere')} does not exist`],
      ['.', database.url, 'has no folder conversations'],
      ['workspace/conversations/x', database.url, 'does not exist'],
      ['workspace', 'mysql://host/x', 'unknown kind of place mysql://'],
      ['workspace', 'workspace', 'source and target are the same'],
      ['workspace', 'postgres', 'no database is configured'],
      ['workspace', unknown, 'the database of the URL does not exist'],
      ['workspace', password, 'nothing listens at the host and port'],
    ];
    const lines = cases.map(([from, to, , env = SECRETS]) => ({ args: args(from, to), env }));
    const results = await CommandProgram.runEach(cwd, 'move', lines);
    const messages = ['the secret key does not decrypt ', ...cases.map(([, , message]) => message)];
    expect([wrong, ...results].map(({ code, stderr }) => [code, stderr])).toEqual(
      messages.map((message) => [1, expect.stringContaining(message) as unknown]),
    );
    expect(results.at(-1)?.stderr).not.toContain('marked-password');
  });
});
