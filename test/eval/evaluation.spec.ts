import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, realpath, rm, stat, truncate } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { applySteps } from '../../eval/support/solution.mjs';
import {
  loadTasks,
  missingPrograms,
  solutionsOf,
  type Solution,
  type Task,
} from '../../eval/support/tasks.mjs';
import { takeSnapshot } from '../../eval/support/workspace.mjs';
import { ROOT } from '../support/checkout.js';

const AT_ONCE = 4;
const REMOVE = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };

describe('the evaluation', () => {
  it('accepts the right and refuses the wrong solutions of its twenty tasks', async () => {
    const tasks = await loadTasks();
    expect(tasks).toHaveLength(20);
    const possible = tasks.filter((task) => missingPrograms(task).length === 0);
    const queue = possible.flatMap((task) => solutionsOf(task).map((solution) => ({ task, ...solution })));
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
      const tasks = ['--out', out, '--tasks', 'question,crlf'];
      const log = path.join(out, 'runs.jsonl');
      expect(await evaluate(...tasks)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/Runs: 6 of 6/) as unknown,
      });
      // As a crash leaves it.
      await truncate(log, (await stat(log)).size - 10);
      const again = await evaluate(...tasks);
      expect(again).toMatchObject({ code: 0, stdout: expect.stringMatching(/Runs: 6 of 6/) as unknown });
      expect(again.stderr.trim()).toBe('6/6 crlf wrong 2 on this server: ok');
    } finally {
      await rm(out, REMOVE);
    }
  });

  it('names the variable of a key that is missing', async () => {
    const refused = await evaluate('--model', 'nobody/nothing');
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('NOBODY_API_KEY') as unknown });
  });
});

async function judge(task: Task, solution: Solution): Promise<{ passed: boolean; reasons: string[] }> {
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'eval-task-')));
  try {
    await task.prepare(folder);
    const before = takeSnapshot(folder);
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
