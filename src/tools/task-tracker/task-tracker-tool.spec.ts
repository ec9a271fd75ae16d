import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { plainText, type Observation } from '../../events/index.js';
import { resolveToolCall } from '../arguments/resolve-tool-call.js';
import type { Tool } from '../tool.js';
import { taskTrackerDefinition } from './task-tracker-tool.js';

let root: string;
let folder: string;
let tool: Tool;

const open = (): Tool =>
  taskTrackerDefinition.create({ conversationId: 'c', workingDir: root, folder, shownFolder: 'c' }, {});

beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'task-tracker-'));
  folder = path.join(root, 'conversation');
  tool = open();
});

afterEach(() => rm(root, { recursive: true }));

function call(args: unknown): Promise<Observation> {
  const tools = new Map([['task_tracker', tool]]);
  const requested = { name: 'task_tracker', arguments: JSON.stringify(args) };
  const resolved = resolveToolCall(tools, requested, { analyzer: false });
  if (resolved.kind !== 'valid') throw new Error(resolved.error);
  return resolved.invocation.execute({ signal: AbortSignal.abort() });
}

describe('the task tracker', () => {
  it('starts without a list', async () => {
    expect(await call({})).toEqual({
      content: [
        {
          cache_prompt: false,
          type: 'text',
          text: 'No task list found. Use the "plan" command to create one.',
        },
      ],
      is_error: false,
      command: 'view',
      task_list: [],
      kind: 'TaskTrackerObservation',
    });
  });

  it('replaces the whole list and shows it', async () => {
    const tasks = [{ title: 'A', notes: 'n1', status: 'in_progress' }, { title: 'B' }];
    const planned = await call({ command: 'plan', task_list: tasks });
    expect(plainText(planned.content)).toBe('Task list has been updated with 2 item(s).');
    const filled = [
      { title: 'A', notes: 'n1', status: 'in_progress' },
      { title: 'B', notes: '', status: 'todo' },
    ];
    expect(JSON.stringify(planned.task_list)).toBe(JSON.stringify(filled));
    const viewed = await call({ command: 'view' });
    expect(plainText(viewed.content)).toBe('# Task List\n\n1. 🔄 A\n   n1\n\n2. ⏳ B');
    expect(viewed.task_list).toEqual(filled);
    await call({ command: 'plan', task_list: [] });
    expect(plainText((await call({})).content)).toMatch(/^No task list found/);
  });

  it('accepts the spellings that models use for a status', async () => {
    const spellings = [
      'Completed',
      'to-do',
      'In Progress',
      'complete',
      'pending',
      ' done ',
      'TODO',
      'in-progress',
    ];
    const tasks = spellings.map((status) => ({ title: 't', status }));
    const { task_list: list } = await call({ command: 'plan', task_list: tasks });
    const statuses = Array.isArray(list) ? list.map((task: { status: string }) => task.status) : [];
    expect(statuses).toEqual(['done', 'todo', 'in_progress', 'done', 'todo', 'done', 'todo', 'in_progress']);
    await expect(async () =>
      call({ command: 'plan', task_list: [{ title: 't', status: 'No-Such' }] }),
    ).rejects.toThrow("input_value='No-Such'");
  });

  it('keeps the list in TASKS.json across restarts', async () => {
    await call({ command: 'plan', task_list: [{ title: 'A' }] });
    expect(await readFile(path.join(folder, 'TASKS.json'), 'utf8')).toBe(
      '[\n  {\n    "title": "A",\n    "notes": "",\n    "status": "todo"\n  }\n]',
    );
    tool = open();
    expect(plainText((await call({})).content)).toBe('# Task List\n\n1. ⏳ A');
  });

  it.each(['not json', '{}', '[{"title": "A"}]'])(
    'treats an invalid file as an empty list: %j',
    async (content) => {
      await mkdir(folder);
      await writeFile(path.join(folder, 'TASKS.json'), content);
      expect((await call({})).task_list).toEqual([]);
    },
  );

  it('keeps the last list when plans are sent concurrently', async () => {
    const plan = (n: number) =>
      call({
        command: 'plan',
        task_list: Array.from({ length: n }, (_, index) => ({ title: `${n}.${index}` })),
      });
    await Promise.all([plan(1), plan(50), plan(3)]);
    const { task_list: list } = await call({});
    expect(list).toHaveLength(3);
    expect(await readdir(folder)).toEqual(['TASKS.json']);
  });

  it('uses the same resource for all calls', () => {
    expect(tool.prepare({ command: 'view' }).touches()).toEqual([{ kind: 'tool', key: 'task_tracker' }]);
  });
});
