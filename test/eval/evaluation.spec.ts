import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { applySteps } from '../../eval/support/solution.mjs';
import { loadTasks, solutionsOf, type Solution, type Task } from '../../eval/support/tasks.mjs';
import { takeSnapshot } from '../../eval/support/workspace.mjs';
import { ROOT } from '../support/checkout.js';

const AT_ONCE = 4;
const REMOVE = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };

describe('the evaluation', () => {
  it('accepts the right and refuses the wrong solutions of its twenty tasks', async () => {
    const tasks = await loadTasks();
    expect(tasks).toHaveLength(20);
    const queue = tasks.flatMap((task) => solutionsOf(task).map((solution) => ({ task, ...solution })));
    const mistakes: string[] = [];
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const { passed, reasons } = await judge(next.task, next.solution);
        if (passed !== next.accepted)
          mistakes.push(`${next.task.name}, ${next.name}: passed is ${passed}: ${reasons.join('; ')}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    expect(mistakes).toEqual([]);
  });

  it('plays solutions through the server, and goes on where it ended', async () => {
    const out = await mkdtemp(path.join(os.tmpdir(), 'eval-out-'));
    try {
      const first = await evaluate('--out', out, '--tasks', 'question');
      expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('Runs: 3 of 3') as unknown });
      const second = await evaluate('--out', out, '--tasks', 'question,crlf');
      expect(second).toMatchObject({ code: 0, stdout: expect.stringContaining('Runs: 6 of 6') as unknown });
      const lines = (await readFile(path.join(out, 'runs.jsonl'), 'utf8')).trim().split('\n');
      expect(lines.map((line) => (JSON.parse(line) as { solution: string }).solution)).toEqual([
        ...['right', 'wrong 1', 'wrong 2'],
        ...['right', 'wrong 1', 'wrong 2'],
      ]);
    } finally {
      await rm(out, REMOVE);
    }
  });

  it('says which options are wrong', async () => {
    const none = await evaluate('--model', 'nobody/nothing');
    expect(none).toMatchObject({ code: 2 });
  });
});

async function judge(task: Task, solution: Solution): Promise<{ passed: boolean; reasons: string[] }> {
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'eval-task-')));
  try {
    await task.prepare(folder);
    const before = await takeSnapshot(folder);
    await applySteps(solution, folder);
    return await task.check({ folder, answer: solution.answer, events: [], before });
  } finally {
    await rm(folder, REMOVE);
  }
}

async function evaluate(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const scripted = args.includes('--model') ? [] : ['--scripted'];
  const child = spawn(process.execPath, [path.join(ROOT, 'eval/run.mjs'), ...scripted, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  await once(child, 'close');
  return { code: child.exitCode, ...output };
}
