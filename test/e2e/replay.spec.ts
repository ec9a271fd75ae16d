import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ReplayReport } from '../../src/conversations/replay/replay.module.js';
import { CommandProgram } from '../support/command-program.js';
import { ConversationClient, scriptedRequest } from '../support/conversation-client.js';
import { OriginalConversation } from '../support/original-conversation.js';
import { describeWithDatabase, TestDatabase } from '../support/postgres.js';
import { ServerProcess } from '../support/server-process.js';
import { textsBelow } from '../support/texts-below.js';

const containing = (text: string): unknown => expect.stringContaining(text);

const SCRIPT =
  'SAY: Let me look.\nRUN: cat notes.txt; pwd; date\nTOOL: file_editor {"command":"view","path":"WORK/notes.txt"}\n' +
  'TOOL: no_such_tool {}\nFINISH: seen';
/** The name of a tool that does something to terminals, and a path at the beginning of a line. */
const SECOND =
  'RUN: echo one > made.txt; echo $$ is pid $$\nTOOL: no\u001b[2J {}\n' +
  'TOOL: terminal {"command":"cat \\\\\\nWORK/notes.txt"}\nSAY: All is well.';

describe('replay', () => {
  let server: ServerProcess;
  let work: string;
  let before: string;
  let id: string;
  let temporary: string;

  beforeAll(async () => {
    temporary = await realpath(await mkdtemp(path.join(os.tmpdir(), 'replay-')));
    [work, before] = [path.join(temporary, 'work'), path.join(temporary, 'before')];
    for (const folder of [work, before]) {
      await mkdir(folder);
      await writeFile(path.join(folder, 'notes.txt'), 'first line\nsecond line\n');
    }
    await mkdir(path.join(temporary, 'tmp'));
    server = await ServerProcess.start();
    const request = scriptedRequest(work, SCRIPT.replace('WORK', work), {
      secrets: { TOKEN: { kind: 'StaticSecret', value: 'of-the-conversation' } },
    });
    const conversation = await ConversationClient.create(server, request);
    await conversation.reaches('finished');
    await conversation.send(SECOND.replace('WORK', work));
    await conversation.reaches('finished');
    ({ id } = conversation);
  });
  afterAll(async () => {
    await server.stop();
    await rm(temporary, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  });

  const withTemporary = (env: Record<string, string> = {}) => ({
    TMPDIR: path.join(temporary, 'tmp'),
    ...env,
  });
  const run = (args: readonly string[], env?: Record<string, string>) =>
    CommandProgram.run(server.cwd, 'replay', args, withTemporary(env));
  const replay = async (args: readonly string[]) => {
    const { code, stdout, stderr } = await run([...args, '--json']);
    expect(stderr).toBe('');
    // Nothing is left behind.
    expect(await readdir(path.join(temporary, 'tmp'))).toEqual([]);
    return { code, report: JSON.parse(stdout) as ReplayReport };
  };

  it('goes the same way with the same prompts, tools and files', async () => {
    const stored = path.join(server.cwd, 'workspace/conversations', id.replaceAll('-', ''));
    const log = await readFile(path.join(stored, 'events.jsonl'), 'utf8');
    const files = await textsBelow(work);
    const played = await replay([id.replaceAll('-', '')]);
    expect(played).toMatchObject({
      code: 0,
      report: {
        ...{ conversation_id: id, outcome: 'same', divergences: [] },
        ...{ recorded_answers: 8, replayed_answers: 8, replayed_status: 'finished' },
        played_tools: ['file_editor', 'finish', 'terminal'],
      },
    });
    const ran = await replay([id, '--workspace', before]);
    expect(ran.report.divergences).toEqual([]);
    expect(ran).toMatchObject({ code: 0, report: { played_tools: [] } });
    expect(await readFile(path.join(stored, 'events.jsonl'), 'utf8')).toBe(log);
    expect(await textsBelow(work)).toBe(files);
    expect(await readdir(before)).toEqual(['notes.txt']);
  });

  it('finds a changed prompt, a removed tool and a changed file at their steps', async () => {
    await writeFile(path.join(temporary, 'prompt.txt'), 'You are somebody else.\n');
    await mkdir(path.join(temporary, 'other'), { recursive: true });
    await writeFile(path.join(temporary, 'other/notes.txt'), 'first line\nthird line\n');
    const { code, report } = await replay([
      ...[id, '--system-prompt', path.join(temporary, 'prompt.txt'), '--without-tool', 'file_editor'],
      ...['--with-tool', 'glob', '--workspace', path.join(temporary, 'other')],
    ]);
    expect(code).toBe(1);
    expect(report.divergences).toMatchObject([
      { step: 0, kind: 'system_prompt', diff: containing('+You are somebody else.') },
      { step: 0, kind: 'tool', tool: 'file_editor', summary: 'the agent has no tool file_editor any more' },
      { step: 0, kind: 'tool', tool: 'glob', summary: 'the agent has a new tool glob' },
      {
        ...{ step: 1, kind: 'result', tool: 'terminal' },
        diff: containing('-second line\n+third line'),
      },
      { step: 2, kind: 'call', tool: 'file_editor', summary: containing('is refused') },
      // It names the tools that there are.
      { step: 3, kind: 'call', tool: 'no_such_tool', diff: containing("-Tool 'no_such_tool'") },
      { step: 6, kind: 'call', tool: 'no\u001b[2J' },
      { step: 7, kind: 'result', tool: 'terminal', diff: containing('-second line\n+third line') },
    ]);
    const text = await run([id, '--without-tool', 'file_editor']);
    expect(text.code).toBe(1);
    expect(text.stdout).toMatch(/^answer 2: the call of file_editor is refused: .* not found/m);
    expect(text.stdout).toMatch(/it goes another way in 4 places, first before the first answer\n$/);
    // Names from a log do not control the terminal.
    expect(text.stdout).toContain('no\\u001b[2J');
    expect(text.stdout).not.toContain('\u001b');
  });

  it('goes another way with changed fields of its agent', async () => {
    const agent = path.join(temporary, 'agent.json');
    const fields = { system_prompt: 'You are terse.', llm: { model: 'scripted/other' }, condenser: null };
    await writeFile(agent, JSON.stringify({ ...fields, tools: [{ name: 'terminal' }, { name: 'glob' }] }));
    const { code, report } = await replay([id, '--agent', agent, '--without-tool', 'glob']);
    expect(code).toBe(1);
    expect(report.divergences).toMatchObject([
      { step: 0, kind: 'system_prompt', diff: containing('+You are terse.') },
      { step: 0, kind: 'tool', summary: 'the agent has no tool file_editor any more' },
      { step: 0, kind: 'tool', summary: 'the agent has no tool task_tracker any more' },
      { step: 2, kind: 'call', tool: 'file_editor', summary: containing('is refused') },
      ...[{ step: 3 }, { step: 6 }],
    ]);
  });

  it('goes the same way through condensations of the history', async () => {
    const agent = {
      ...scriptedRequest(work).agent,
      condenser: {
        kind: 'LLMSummarizingCondenser',
        llm: { model: 'scripted/test', usage_id: 'condenser' },
        ...{ max_size: 20, keep_first: 2 },
      },
    };
    const long = Array.from({ length: 14 }, (_, index) => `RUN: echo ${index}`).join('\n');
    const conversation = await ConversationClient.create(server, scriptedRequest(work, long, { agent }));
    await conversation.reaches('finished');
    await conversation.send('RUN: echo later\nFINISH: done');
    await conversation.reaches('finished');
    const { code, report } = await replay([conversation.id]);
    expect(report.divergences).toEqual([]);
    expect([code, report.replayed_answers]).toEqual([0, report.recorded_answers]);
    expect((await conversation.events()).some(({ kind }) => kind === 'Condensation')).toBe(true);
  });

  it('replays a trajectory, and a conversation of the original', async () => {
    const exported = path.join(temporary, 'exported');
    const zip = await CommandProgram.run(server.cwd, 'export', [id, '--to', exported, '--zip']);
    expect(zip.code).toBe(0);
    const archive = path.join(exported, `${id.replaceAll('-', '')}.zip`);
    expect(await replay(['--trajectory', archive])).toMatchObject({ code: 0, report: { outcome: 'same' } });

    const original = new OriginalConversation({ steps: 3 });
    const folder = path.join(temporary, 'original');
    await original.write(folder);
    expect((await CommandProgram.run(server.cwd, 'import', [folder])).code).toBe(0);
    const { code, report } = await replay([original.id]);
    expect(code).toBe(1);
    expect(report).toMatchObject({ recorded_answers: 3, replayed_answers: 3, replayed_status: 'finished' });
    // The prompts of the two servers differ, what follows does not.
    expect(new Set(report.divergences.map(({ step }) => step))).toEqual(new Set([0]));
  });

  describeWithDatabase('from a database', () => {
    let database: TestDatabase;
    beforeAll(async () => (database = await TestDatabase.create()));
    afterAll(() => database.drop());

    it('replays what is stored there', async () => {
      const original = new OriginalConversation({ steps: 2 });
      const folder = path.join(temporary, 'for-database');
      await original.write(folder);
      const env = { OH_DATABASE_URL: database.url, OH_SECRET_KEY: 'key-of-the-database' };
      expect((await CommandProgram.run(server.cwd, 'import', [folder], env)).code).toBe(0);
      const { stdout, stderr } = await run([original.id, '--json'], env);
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toMatchObject({ replayed_answers: 2, replayed_status: 'finished' });
    });
  });

  it('says what is wrong with its arguments, the conversation or the folder', async () => {
    const unknown = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
    await writeFile(path.join(temporary, 'no.zip'), 'no zip');
    const agents = { 'list.json': '[]', 'wrong.json': '{"tools":7}', 'deep.json': '['.repeat(100_000) };
    for (const [name, text] of Object.entries(agents)) await writeFile(path.join(temporary, name), text);
    const agent = (name: string): string[] => [id, '--agent', path.join(temporary, name)];
    const failures: [string[], string][] = [
      [[], 'replay requires the id of a conversation, or --trajectory'],
      [['../x'], "'../x' is not the id of a conversation"],
      [[id, '--trajectory', 'x.zip'], '--trajectory and an id exclude each other'],
      [[id, '--step-limit', '0'], '--step-limit requires a number of seconds'],
      [[unknown], `there is no conversation ${unknown}`],
      [['--trajectory', path.join(temporary, 'no.zip')], 'no.zip'],
      [[id, '--system-prompt', '/nowhere/prompt'], 'cannot read the system prompt'],
      [[id, '--without-tool', 'glob'], 'has no tool glob (it has terminal, file_editor, task_tracker)'],
      [[id, '--with-tool', 'nothing'], "ToolDefinition 'nothing' is not registered"],
      [[id, '--workspace', '/nowhere'], '/nowhere is not a folder'],
      [agent('no-such.json'), 'cannot read the agent'],
      [agent('list.json'), 'list.json: it is no JSON object'],
      [agent('wrong.json'), 'the agent is not valid: agent.tools: Input should be'],
      [agent('deep.json'), 'nested more than 200 deep'],
    ];
    const lines = failures.map(([args]) => ({ args, env: withTemporary() }));
    const results = await CommandProgram.runEach(server.cwd, 'replay', lines);
    // Without bubblewrap no tool is run.
    failures.push([[], 'sandbox "workspace" is required and does not work']);
    results.push(await run([id, '--workspace', before], { PATH: '/nowhere' }));
    for (const [index, { code, stderr, stdout }] of results.entries())
      expect([code, stderr, stdout]).toEqual([2, containing(failures[index]?.[1] ?? ''), '']);
  });
});
