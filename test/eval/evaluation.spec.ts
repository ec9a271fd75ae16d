import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, realpath, rm, stat, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { jest } from '@jest/globals';
import { canConfineChecks, runProgram } from '../../eval/support/program.mjs';
import { applySteps } from '../../eval/support/solution.mjs';
import {
  loadTasks,
  missingPrograms,
  solutionsOf,
  type Solution,
  type Task,
} from '../../eval/support/tasks.mjs';
import { takeSnapshot } from '../../eval/support/workspace.mjs';
import { startChatEndpoint, type EndpointStep } from '../support/chat-endpoint.mjs';
import { ROOT } from '../support/checkout.js';
import { eventually } from '../support/eventually.js';
import { isAlive } from '../support/is-alive.js';

const AT_ONCE = 4;
// Some tests start a hundred programs one after the other, which takes minutes on a busy machine.
jest.setTimeout(600_000);
const itConfined = canConfineChecks() ? it : it.skip;
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

  it('leaves no server behind when it is killed', async () => {
    const out = await mkdtemp(path.join(os.tmpdir(), 'eval-out-'));
    const args = [path.join(ROOT, 'eval/run.mjs'), '--scripted', '--out', out, '--tasks', 'question'];
    const evaluation = spawn(process.execPath, args, {
      stdio: 'ignore',
      env: { ...process.env, TMPDIR: out },
    });
    try {
      let server = 0;
      await eventually(async () => {
        const children = await readFile(`/proc/${evaluation.pid}/task/${evaluation.pid}/children`, 'utf8');
        for (const pid of children.split(' ').map(Number).filter(Boolean))
          if ((await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes('dist/main.js'))
            server = pid;
        return server !== 0;
      }, 'the server of the evaluation');
      evaluation.kill('SIGKILL');
      await eventually(() => !isAlive(server), 'the end of the server');
    } finally {
      evaluation.kill('SIGKILL');
      await rm(out, REMOVE);
    }
  });

  describe('with a model', () => {
    let out: string;
    beforeEach(async () => (out = await mkdtemp(path.join(os.tmpdir(), 'eval-out-'))));
    afterEach(() => rm(out, REMOVE));

    /** One dollar for a thousand tokens: each answer costs that much. */
    const withModel = async (step: EndpointStep, ...more: string[]) => {
      const player = { nextTurn: () => ({ wait: 0, text: 'none', calls: [] }) };
      const endpoint = await startChatEndpoint({ player, script: [{ ...step, repeat: true }] });
      try {
        const model = ['--model', 'openai/any', '--base-url', endpoint.url, '--price', '1000,0'];
        const result = await evaluate(...model, '--unconfined-checks', '--out', out, ...more);
        return { ...result, calls: endpoint.requests.length };
      } finally {
        await endpoint.close();
      }
    };
    const runs = async (): Promise<string> => readFile(path.join(out, 'runs.jsonl'), 'utf8');

    it('does not blame the agent for a model that does not answer', async () => {
      const step = { status: 400, message: 'no such model\u001b[2J' };
      const { code, stderr } = await withModel(step, '--tasks', 'question');
      expect(code).toBe(1);
      expect(stderr).toMatch(/^stopped: the model does not answer: LLMBadRequestError: .*no such model/m);
      expect(stderr).not.toContain('\u001b');
      expect(await runs()).toBe('');
    });

    it('stops at its budgets, and counts what runs without a result may have cost', async () => {
      const step: EndpointStep = { tools: [['terminal', { command: 'sleep 1' }]] };
      const tasks = ['--tasks', 'question,crlf,small-script', '--run-budget', '0.9'];
      const first = await withModel(step, ...tasks, '--budget', '2.5');
      expect(first).toMatchObject({ code: 3 });
      expect(first.stderr).toMatch(/^stopped: 2\.\d\d of 2\.5 USD are spent/m);
      expect((await runs()).match(/"outcome":"cost"/g)).toHaveLength(2);
      expect(first.calls).toBeLessThan(6);
      // As a kill in the middle of a run leaves it.
      await writeFile(path.join(out, 'unfinished.json'), '{"lost":0.5,"run":0.9}');
      const again = await withModel(step, ...tasks, '--budget', '4');
      expect(again).toMatchObject({ code: 3, calls: 0 });
      expect(again.stderr).toMatch(/^stopped: 3\.\d\d of 4 USD are spent/m);
      expect(again.stdout).toContain('Runs without a result have cost up to 1.40 USD');
    });
  });

  it('is not started twice in the same folder', async () => {
    const out = await mkdtemp(path.join(os.tmpdir(), 'eval-out-'));
    try {
      await writeFile(path.join(out, 'lock'), `${process.pid}\n`);
      const refused = await evaluate('--out', out, '--tasks', 'question');
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('is in use') as unknown });
    } finally {
      await rm(out, REMOVE);
    }
  });

  itConfined('runs no program of a workspace outside the sandbox, whatever PATH says', async () => {
    const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'eval-task-')));
    try {
      const escaped = path.join(os.tmpdir(), path.basename(folder).replace('task', 'escaped'));
      for (const name of ['bwrap', 'git'])
        await writeFile(path.join(folder, name), `#!/bin/sh\ntouch ${escaped}\n`, { mode: 0o755 });
      const module = path.join(ROOT, 'eval/support/program.mjs');
      const code = `const { runConfined } = await import(${JSON.stringify(module)});
        await runConfined(${JSON.stringify(folder)}, 'git', ['--version']);`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
        env: { ...process.env, PATH: `.::${process.env['PATH'] ?? ''}` },
        stdio: 'inherit',
      });
      await once(child, 'close');
      expect(child.exitCode).toBe(0);
      await expect(access(escaped)).rejects.toThrow('ENOENT');
    } finally {
      await rm(folder, REMOVE);
    }
  });

  it('does not wait for what a program has left in another process group', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'eval-task-'));
    try {
      const script =
        'setsid sleep 20 & echo $! > pid; until [ "$(ps -o pgid= -p $!)" -eq $! ]; do :; done; echo done';
      const begun = performance.now();
      expect(await runProgram(folder, 'bash', ['-c', script])).toMatchObject({ code: 0, stdout: 'done\n' });
      expect(performance.now() - begun).toBeLessThan(15_000);
      process.kill(Number(await readFile(path.join(folder, 'pid'), 'utf8')));
    } finally {
      await rm(folder, REMOVE);
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
