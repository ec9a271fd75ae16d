import { createHash, randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';
import { zipEntries, zipReaders } from '../support/zip-entries.js';

/** The keys of `meta.json` of the original server (1.58.2), in its order. */
const META_KEYS = [
  ...['workspace', 'worktree', 'worktree_options', 'conversation_id', 'parent_conversation_id'],
  ...['confirmation_policy', 'security_analyzer', 'initial_message', 'max_iterations', 'stuck_detection'],
  ...['secrets', 'secrets_encrypted', 'tool_module_qualnames', 'client_tools', 'agent_launch_additions'],
  ...['agent_definitions', 'plugins', 'hook_config', 'tags', 'user_id', 'observability_metadata'],
  ...['observability_tags', 'observability_span_name', 'observability_parent_span_context', 'autotitle'],
  ...['title_llm_profile', 'prompt', 'required_runtime_credential_bindings', 'id', 'title', 'metrics'],
  ...['created_at', 'updated_at', 'forked_from_conversation_id', 'forked_from_event_id'],
  ...['launched_agent_profile'],
];
/** Those of `base_state.json`, for a conversation without an analyzer and hooks. */
const STATE_KEYS = [
  ...['id', 'agent', 'workspace', 'persistence_dir', 'max_iterations', 'stuck_detection', 'execution_status'],
  ...['confirmation_policy', 'activated_knowledge_skills', 'activated_path_rules', 'invoked_skills'],
  ...['blocked_actions', 'blocked_messages', 'last_user_message_id', 'leaf_event_id', 'head_is_empty'],
  ...['stats', 'secret_registry', 'tags', 'agent_state'],
];
const KEY = 'sk-planted-1234567890';
/** Events that a long conversation has: more than a plain zip has members. */
const MANY = 66_000;

describe('a downloaded trajectory', () => {
  let folder: string;
  let server: ServerProcess;
  // Their folders are changed between two servers: a server has the files of its conversations open.
  let linked: ConversationClient;
  let damaged: ConversationClient;
  let long: ConversationClient;
  let eventsOfLong: number;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'trajectory-'));
    server = await ServerProcess.start({ cwd: folder, env: { OH_SECRET_KEY: 'a-key' } });
    [linked, damaged, long] = await Promise.all([
      runOne(),
      runOne(),
      ConversationClient.create(server, scriptedRequest('work', 'FINISH: done')),
    ]);
    await long.reaches('finished');
    await server.end();
    await addLinks(folderOf(linked), folder);
    await writeFile(path.join(folderOf(damaged), 'metadata.json'), '{');
    eventsOfLong = await extendLog(path.join(folderOf(long), 'events.jsonl'));
    server = await server.restart();
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const hex = ({ id }: ConversationClient): string => id.replaceAll('-', '');
  const folderOf = (conversation: ConversationClient): string =>
    path.join(folder, 'workspace/conversations', hex(conversation));

  async function fetchArchive(conversation: ConversationClient) {
    const answer = await fetch(`${server.url}/api/file/download-trajectory/${conversation.id}`);
    return { answer, bytes: Buffer.from(await answer.arrayBuffer()) };
  }

  async function download(conversation: ConversationClient) {
    const { answer, bytes } = await fetchArchive(conversation);
    const entries = answer.status === 200 ? zipEntries(bytes) : new Map<string, Buffer>();
    const names = [...entries.keys()].map((name) => name.slice(hex(conversation).length + 1));
    const text = (name: string): string => entries.get(`${hex(conversation)}/${name}`)?.toString() ?? '';
    const json = (name: string) => JSON.parse(text(name)) as Record<string, unknown>;
    return { answer, bytes, names, text, json };
  }

  async function runOne(): Promise<ConversationClient> {
    const task = JSON.stringify({ description: 'a small task', prompt: 'FINISH: of the sub-agent' });
    const script = `RUN: head -c 40000 /dev/zero | tr '\\0' x\nTOOL: task ${task}\nFINISH: done`;
    const request = scriptedRequest('work', script, {
      secrets: { TOKEN: { kind: 'StaticSecret', value: KEY } },
      tags: { team: 'blue' },
    });
    const llm = { model: 'scripted/test', usage_id: 'agent', api_key: KEY };
    const tools = [...request.agent.tools, { name: 'task_tool_set' }];
    const made = await ConversationClient.create(server, { ...request, agent: { llm, tools } });
    await made.reaches('finished');
    await server.request('POST', `${made.route}/bash/execute_bash_command`, { command: `echo ${KEY}` });
    return made;
  }

  it('has the file names and the JSON of the original, and no secrets', async () => {
    const conversation = await runOne();
    const { answer, bytes, names, text, json } = await download(conversation);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/octet-stream']);
    expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="${hex(conversation)}.zip"`);
    expect(Object.keys(json('meta.json'))).toEqual(META_KEYS);
    expect(json('meta.json')).toMatchObject({ id: hex(conversation), tags: { team: 'blue' } });
    expect(Object.keys(json('base_state.json'))).toEqual(STATE_KEYS);
    expect(json('base_state.json')).toMatchObject({
      id: conversation.id,
      execution_status: 'finished',
      secret_registry: { secret_sources: { TOKEN: { kind: 'StaticSecret', value: '**********' } } },
    });
    const events = await conversation.events();
    const files = names.filter((name) => name.startsWith('events/event-'));
    expect(files).toEqual(
      events.map(({ id }, index) => `events/event-${String(index).padStart(5, '0')}-${id}.json`),
    );
    expect(files.map(json)).toEqual(events);
    expect(names).toEqual(
      expect.arrayContaining(['', 'bash_events/', 'events/', 'observations/', 'subagents/']),
    );
    expect(names.filter((name) => /^observations\/terminal_output_[\da-f]{8}\.txt$/.test(name))).toHaveLength(
      1,
    );
    const bash = names.filter((name) =>
      /^bash_events\/\d{20}_Bash(Command|Output)(_[\da-f]{32}){1,2}$/.test(name),
    );
    expect(bash.map((name) => json(name)['kind'])).toEqual(['BashCommand', 'BashOutput']);
    const [task] = names.filter((name) => /^subagents\/[\da-f]{32}\/base_state\.json$/.test(name));
    expect(json(task ?? '')).toMatchObject({ agent_state: { task_id: 'task_00000001' } });
    expect(names.filter((name) => /^subagents\/[\da-f]{32}\/events\/event-\d{5}-/.test(name))).not.toEqual(
      [],
    );
    // Files that are converted, or that only this server uses.
    expect(names.filter((name) => /jsonl|metadata|lease|index/.test(name))).toEqual([]);
    for (const name of names) expect(text(name)).not.toMatch(/gAAAAA|sk-planted/);
    expect(bytes.length).toBeGreaterThan(0);
  });

  it('follows no links, and takes no file names from a modified log', async () => {
    const { names, text } = await download(linked);
    expect(names.filter((name) => /link|\.\.|outside/.test(name))).toEqual([]);
    expect(text('notes.json')).toContain('"api_key": "**********"');
  });

  it('contains the events of a conversation whose metadata is damaged', async () => {
    const { answer, names } = await download(damaged);
    expect(answer.status).toBe(200);
    expect(names.filter((name) => name.startsWith('events/event-')).length).toBeGreaterThan(5);
    expect(names.filter((name) => name.endsWith('base_state.json'))).toEqual([]);
  });

  it(`is streamed for a conversation of ${MANY} events without delaying other requests`, async () => {
    // Opened before the measurement: the first read of a log takes longer.
    expect((await server.request('GET', `${long.route}/events/count`)).body).toBe(eventsOfLong);
    const memory = async (): Promise<number> =>
      Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;
    const idle = await memory();
    let done = false;
    let slowest = 0;
    let most = 0;
    const watch = async (): Promise<void> => {
      while (!done) {
        const asked = performance.now();
        await server.request('GET', '/health');
        slowest = Math.max(slowest, performance.now() - asked);
        most = Math.max(most, await memory());
        await pause(20);
      }
    };
    const began = performance.now();
    let duration = 0;
    // Reading the archive blocks this process, so the measurement ends before that.
    const fetched = fetchArchive(long).finally(() => {
      duration = performance.now() - began;
      done = true;
    });
    const [{ bytes }] = await Promise.all([fetched, watch()]);
    const events = `${hex(long)}/events/event-`;
    const files = [...zipReaders(bytes)].filter(([name]) => name.startsWith(events));
    expect(files).toHaveLength(eventsOfLong);
    // To inflate all of them takes longer than the download.
    for (const [name, read] of files.filter((_, index) => index % 100 === 0 || index === eventsOfLong - 1))
      expect(name).toContain((JSON.parse(read().toString()) as { id: string }).id);
    expect(most - idle).toBeLessThan(200);
    // A part of the time of the download, which is long on a slow machine too.
    expect(slowest).toBeLessThan(duration / 3);
  }, 120_000);
});

async function addLinks(place: string, folder: string): Promise<void> {
  const outside = path.join(folder, 'outside.txt');
  await writeFile(outside, 'outside');
  await symlink(outside, path.join(place, 'link.txt'));
  await symlink(folder, path.join(place, 'folder-link'));
  await writeFile(path.join(place, 'notes.json'), '{"api_key":"abc","gAAAAA":1}');
  const event = { timestamp: '2026-01-01T00:00:00.000000', source: 'user', kind: 'PauseEvent' };
  await appendFile(path.join(place, 'events.jsonl'), `${JSON.stringify({ id: '../../../up', ...event })}\n`);
}

/** Appends MANY events to a log; returns how many it then has. */
async function extendLog(log: string): Promise<number> {
  const before = (await readFile(log, 'utf8')).split('\n').length - 1;
  const text = createHash('sha256').update('text').digest('hex');
  for (let count = 0; count < MANY; count += 1000) {
    const lines = Array.from({ length: 1000 }, () => {
      const head = { id: randomUUID(), timestamp: '2026-11-27T12:00:00.000000', source: 'environment' };
      return `${JSON.stringify({ ...head, key: 'stats', value: text, kind: 'ConversationStateUpdateEvent' })}\n`;
    });
    await appendFile(log, lines.join(''));
  }
  return before + MANY;
}
