import { mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { asJsonObject, type JsonObject } from '../../src/json/index.js';
import { amount } from '../load/load-watch.js';
import { CommandProgram } from '../support/command-program.js';
import { ConversationClient } from '../support/conversation-client.js';
import { OriginalConversation } from '../support/original-conversation.js';
import { describeWithDatabase, TestDatabase } from '../support/postgres.js';
import { eventually, ServerProcess } from '../support/server-process.js';
import { textsBelow } from '../support/texts-below.js';
import { writeFiles } from '../support/write-files.js';

const OWN_KEY = 'the-key-of-this-server';
const THEIR_KEY = 'the-key-of-the-other-server';
/** Conversations among which an import is killed; more with `LOAD=full`. */
const MANY = amount(60, 1000);

interface ReportLine {
  outcome: string;
  source_id: string | null;
  id: string;
  reason: string | null;
  report: { problems: string[]; lost_secrets: string[]; changes: string[] };
}

describe('import', () => {
  let cwd: string;
  let source: string;
  beforeEach(async () => {
    cwd = await realpath(await mkdtemp(path.join(os.tmpdir(), 'import-')));
    source = path.join(cwd, 'python/workspace/conversations');
    await mkdir(source, { recursive: true });
    await writeFile(path.join(cwd, 'key'), `${THEIR_KEY}\n`);
  });
  afterEach(() => rm(cwd, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));

  const run = async (args: string[], env: Record<string, string> = {}) => {
    const result = await CommandProgram.run(cwd, 'import', [...args, '--report', 'report'], {
      OH_SECRET_KEY: OWN_KEY,
      ...env,
    });
    const lines = await readFile(path.join(cwd, 'report'), 'utf8').catch(() => '');
    const report = lines.split('\n').filter((line) => line !== '');
    return { ...result, report: report.map((line) => JSON.parse(line) as ReportLine) };
  };

  /** Imports what the original has left, in whatever state, and goes on with it. */
  async function takesAll(env: Record<string, string>): Promise<void> {
    const [finished, killed] = [
      new OriginalConversation({
        title: 'A finished one',
        secretKey: THEIR_KEY,
        workingDir: cwd,
        base: { tags: { team: 'blue' }, of_a_later_version: { kept: true } },
      }),
      new OriginalConversation({ status: 'running', open: true, workingDir: cwd }),
    ];
    finished.events.splice(4, 0, longOutput(finished));
    const folder = await finished.write(source);
    await writeFiles(folder, {
      'TASKS.json': '[{"title":"write","notes":"","status":"done"}]',
      'observations/terminal_output_fd2fb628.txt': 'all of it',
      [`bash_events/20260301100000000000_BashCommand_${'c'.repeat(32)}`]: BASH_COMMAND,
      [`bash_events/20260301100001000000_BashOutput_${'c'.repeat(32)}_${'d'.repeat(32)}`]: BASH_OUTPUT,
    });
    const subAgent = new OriginalConversation({ steps: 1 });
    await rename(await subAgent.write(source), path.join(folder, 'subagents-moved'));
    await mkdir(path.join(folder, 'subagents'));
    await rename(path.join(folder, 'subagents-moved'), path.join(folder, 'subagents', subAgent.hex));
    await writeFile(path.join(await killed.write(source), 'owner_lease.json'), lease(1, 1));
    const before = await textsBelow(source);

    const first = await run(['python', '--secret-key-file', 'key'], env);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain('2 imported (15 events), 0 were here already, 0 refused');
    expect(first.stdout).toContain('usage rebuild');
    const again = await run(['python', '--secret-key-file', 'key'], env);
    expect(again.stdout).toContain('0 imported (0 events), 2 were here already, 0 refused');
    expect(await textsBelow(source)).toBe(before);

    const server = await ServerProcess.start({ cwd, env: { OH_SECRET_KEY: OWN_KEY, ...env } });
    try {
      const client = new ConversationClient(server, finished.id);
      expect(await client.info()).toMatchObject({
        ...{ execution_status: 'finished', title: 'A finished one', tags: { team: 'blue' } },
        ...{ leaf_event_id: finished.head, created_at: '2026-03-01T10:00:00.000000Z' },
        stats: { usage_to_metrics: { agent: { accumulated_cost: 0.25 } } },
        confirmation_policy: { kind: 'NeverConfirm' },
      });
      expect((await client.events()).map(({ id }) => id)).toEqual(finished.events.map(({ id }) => id));
      const final = await server.request('GET', `${client.route}/agent_final_response`);
      expect(final.body).toEqual({ response: 'All done.' });
      const stored = path.join(cwd, 'workspace/conversations', finished.hex);
      expect(await readFile(path.join(stored, 'observations/terminal_output_fd2fb628.txt'), 'utf8')).toBe(
        'all of it',
      );
      expect(await readFile(path.join(stored, 'tasks/task_00000001.jsonl'), 'utf8')).toContain(
        String(subAgent.events[0]?.['id']),
      );
      const bash = await server.request('GET', `${client.route}/bash/bash_events/search`);
      expect(bash.body).toMatchObject({ items: [{ command: 'echo from-bash' }, { exit_code: 0 }] });
      await client.send('RUN: echo next\nFINISH: went on');
      await eventually(async () => (await client.events('&kind=ObservationEvent')).length === 5);
      await client.reaches('finished');

      const interrupted = new ConversationClient(server, killed.id);
      const events = await interrupted.events();
      expect(events.slice(0, killed.events.length).map(({ id }) => id)).toEqual(
        killed.events.map(({ id }) => id),
      );
      expect(events.slice(killed.events.length).map(({ kind }) => kind)).toEqual([
        'AgentErrorEvent',
        'ConversationErrorEvent',
        'ConversationStateUpdateEvent',
      ]);
      expect(await interrupted.status()).toBe('paused');

      // The original's own files would be written again by the export.
      const exported = await CommandProgram.run(cwd, 'export', [finished.id, '--to', 'out'], {
        ...{ OH_SECRET_KEY: OWN_KEY },
        ...env,
      });
      expect(exported.stdout).toContain('1 exported');
      const state = await readFile(path.join(cwd, 'out', finished.hex, 'base_state.json'), 'utf8');
      expect(JSON.parse(state)).toMatchObject({ of_a_later_version: { kept: true } });
    } finally {
      await server.stop();
    }
  }

  it('takes conversations of the original, and their agents go on', () => takesAll({}));

  it('names what is damaged, imports the rest, and keeps what it could not use', async () => {
    const damaged = new OriginalConversation({
      steps: 3,
      workingDir: cwd,
      agent: { tools: [{ name: 'terminal' }, { name: 'their_tool' }], tool_concurrency_limit: 'many' },
    });
    const folder = await damaged.write(source);
    await writeFile(path.join(folder, 'events', damaged.fileOf(3)), '{"broken');
    await rm(path.join(folder, 'events', damaged.fileOf(5)));
    await writeFile(path.join(folder, 'events/note.txt'), 'mine');
    await writeFile(path.join(folder, 'meta.json'), '');
    const stateless = new OriginalConversation({ title: 'No state' });
    await rm(path.join(await stateless.write(source), 'base_state.json'));
    const held = new OriginalConversation();
    await writeFile(path.join(await held.write(source), 'owner_lease.json'), lease(process.pid, 60));
    await mkdir(path.join(source, '0'.repeat(32)));

    const { code, stdout, report } = await run([source]);
    expect(code).toBe(1);
    expect(stdout).toContain(`the server with process id ${process.pid} on ${os.hostname()} has it open`);
    expect(stdout).toContain(`${'0'.repeat(32)}: no conversation (a start that failed)`);
    const of = ({ id }: OriginalConversation) => report.find(({ source_id }) => source_id === id);
    expect(of(damaged)).toMatchObject({ outcome: 'imported' });
    expect(of(damaged)?.report.problems.join('\n')).toMatch(
      /^1 files in events\/ are no events: events\/note.txt\nevent 5 is missing; .*\nmeta.json cannot be read: it is not JSON/,
    );
    expect(of(damaged)?.report.problems).toEqual(
      expect.arrayContaining([
        expect.stringContaining('agent.tool_concurrency_limit is left out'),
        expect.stringContaining('the tool their_tool is unknown here'),
        expect.stringContaining('it is not JSON: an error event is in its place'),
      ]),
    );
    const stored = path.join(cwd, 'workspace/conversations', damaged.hex);
    expect(await readdir(path.join(stored, 'imported/events'))).toEqual([damaged.fileOf(3), 'note.txt']);

    const server = await ServerProcess.start({ cwd, env: { OH_SECRET_KEY: OWN_KEY } });
    try {
      const client = new ConversationClient(server, damaged.id);
      const events = await client.events();
      expect(events).toHaveLength(damaged.events.length - 1);
      expect(events[3]).toMatchObject({ id: damaged.events[3]?.['id'], code: 'DamagedEvent' });
      await client.send('FINISH: went on');
      await eventually(async () => {
        const { body } = await server.request('GET', `${client.route}/agent_final_response`);
        return asJsonObject(body)['response'] === 'went on';
      }, 'an answer');
      expect(await new ConversationClient(server, stateless.id).info()).toMatchObject({
        ...{ title: 'No state', execution_status: 'finished', leaf_event_id: stateless.head },
      });
      expect((await server.request('GET', `/api/conversations/${held.id}`)).status).toBe(404);
    } finally {
      await server.stop();
    }
  });

  it('leaves a taken id and its own folder alone, shifts times, and writes nothing in a trial', async () => {
    const [one, other] = [new OriginalConversation({ zoneHours: 5 }), new OriginalConversation()];
    await one.write(source);
    const trial = await run([source, '--dry-run']);
    expect(trial).toMatchObject({ code: 0, report: [{ outcome: 'imported', id: one.id }] });
    await expect(readdir(path.join(cwd, 'workspace/conversations'))).rejects.toThrow('ENOENT');

    // One of them is there twice.
    const twin = new OriginalConversation();
    const copies = [path.join(cwd, 'copy-1'), path.join(cwd, 'copy-2')];
    for (const copy of copies) await twin.write(copy);
    const first = await run([source, ...copies]);
    expect(first.code).toBe(0);
    expect(first.report.find(({ id }) => id === one.id)).toMatchObject({ outcome: 'imported' });
    const twins = first.report.filter(({ id }) => id === twin.id);
    expect(twins.map(({ outcome }) => outcome).sort()).toEqual(['imported', 'same']);
    const line = (await readFile(path.join(cwd, 'workspace/conversations', one.hex, 'events.jsonl'), 'utf8'))
      .split('\n')
      .at(0);
    const { timestamp } = JSON.parse(line ?? '') as { timestamp: string };
    expect(new Date(timestamp).toISOString()).toBe('2026-03-01T10:00:00.000Z');

    // Another conversation under the same id, and one where this server would store it: the default of both
    // servers is the same folder.
    const imposter = new OriginalConversation({ id: one.id });
    const imposters = path.join(cwd, 'imposters');
    await imposter.write(imposters);
    const own = await other.write(path.join(cwd, 'workspace/conversations'));
    const neither = await run([imposters, own]);
    expect(neither.code).toBe(1);
    expect(neither.report.map(({ outcome }) => outcome).sort()).toEqual(['different', 'refused']);
    const refused = neither.report.find(({ outcome }) => outcome === 'refused');
    expect(refused?.reason).toContain('it lies where this server would store it');
    const renamed = await run([imposters, '--new-id']);
    expect(renamed).toMatchObject({ code: 0, report: [{ outcome: 'imported', source_id: one.id }] });
    expect(await run([imposters, '--new-id'])).toMatchObject({
      report: [{ outcome: 'same', id: renamed.report[0]?.id }],
    });
  });

  it('goes on after it was killed, with nothing twice and nothing half', async () => {
    const conversations = Array.from({ length: MANY }, () => new OriginalConversation({ steps: 20 }));
    for (const conversation of conversations) await conversation.write(source);
    const target = path.join(cwd, 'workspace/conversations');
    const complete = async (): Promise<number> => {
      const names = await readdir(target, { recursive: true }).catch(() => []);
      return names.filter((name) => name.endsWith('/metadata.json')).length;
    };
    const killed = new CommandProgram(cwd, 'import', [source], { OH_SECRET_KEY: OWN_KEY });
    await eventually(async () => (await complete()) > 2, 'a part');
    killed.kill();
    await killed.result();
    const done = await complete();
    const rest = await run([source]);
    expect(rest.code).toBe(0);
    expect(rest.stdout).toMatch(new RegExp(`: ${MANY - done} imported \\(\\d+ events\\), ${done} were here`));
    for (const conversation of conversations) {
      const log = await readFile(path.join(target, conversation.hex, 'events.jsonl'), 'utf8');
      const ids = log.split('\n').slice(0, -1);
      expect(ids.map((line) => asJsonObject(JSON.parse(line))['id'])).toEqual(
        conversation.events.map(({ id }) => id),
      );
    }
  });

  describeWithDatabase('into a database', () => {
    let database: TestDatabase;
    beforeEach(async () => (database = await TestDatabase.create()));
    afterEach(() => database.drop());

    it('goes on after it was killed, with the same logs', async () => {
      const conversations = Array.from({ length: MANY }, () => new OriginalConversation({ steps: 20 }));
      for (const conversation of conversations) await conversation.write(source);
      // Short, because the second import waits for the leases of the first, but not for a busy machine.
      const env = { OH_SECRET_KEY: OWN_KEY, OH_DATABASE_URL: database.url, OH_SERVER_LEASE_SECONDS: '5' };
      const killed = new CommandProgram(cwd, 'import', [source], env);
      const complete = async (): Promise<number> =>
        (await database.query('SELECT FROM metadata').catch(() => [])).length;
      await eventually(async () => (await complete()) > 2, 'a part');
      killed.kill();
      await killed.result();
      expect(await complete()).toBeLessThan(MANY);
      const rest = await run([source], env);
      expect(rest).toMatchObject({ code: 0, stdout: expect.stringContaining(' 0 refused') as unknown });
      for (const { id, events } of conversations) {
        const rows = await database.query('SELECT id FROM event WHERE conversation = $1 ORDER BY seq', [id]);
        expect(rows.map((row) => asJsonObject(row)['id'])).toEqual(events.map((event) => event['id']));
      }
    });

    it('takes conversations of the original, and their agents go on', () =>
      takesAll({ OH_DATABASE_URL: database.url }));
  });
});

const BASH_COMMAND = bashEvent('BashCommand', 'c', { command: 'echo from-bash', cwd: null, timeout: 300 });
const BASH_OUTPUT = bashEvent('BashOutput', 'd', {
  ...{ command_id: 'c'.repeat(32), order: 0, exit_code: 0, stdout: 'from-bash\n', stderr: null },
});

/** The content of a file of a bash event. */
function bashEvent(kind: string, digit: string, fields: JsonObject): string {
  // Of now: old ones are dropped as any others.
  const timestamp = `${new Date().toISOString().slice(0, 23)}000Z`;
  const event = { ...fields, id: digit.repeat(32), timestamp, kind };
  return JSON.stringify(event, undefined, 2);
}

function lease(pid: number, seconds: number): string {
  const expires_at = Date.now() / 1000 + seconds;
  const host = pid === 1 ? 'a-dead-host' : os.hostname();
  return JSON.stringify({
    ...{ owner_instance_id: 'x', generation: 1, expires_at: pid === 1 ? 1 : expires_at },
    ...{ owner_host: host, owner_pid: pid },
  });
}

/** An event that names a file with the whole output. */
function longOutput({ events, hex }: OriginalConversation): JsonObject {
  const { id: _id, ...fields } = events[4] ?? {};
  const observation = {
    ...asJsonObject(fields['observation']),
    full_output_save_dir: `workspace/conversations/${hex}/observations`,
  };
  return { ...fields, id: '11111111-1111-4111-8111-111111111111', observation };
}
