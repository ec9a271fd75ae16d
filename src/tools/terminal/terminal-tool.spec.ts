import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { plainText } from '../../events/index.js';
import type { Observation } from '../../events/index.js';
import { ToolExecutionError } from '../tool.js';
import type { Tool } from '../tool.js';
import { terminalDefinition } from './terminal-tool.js';

/**
 * A call, and the original's result without the control sequences that it leaves in the output. If there was
 * no other output, the output is empty and the save folder is omitted, as the original does for empty output.
 */
interface RecordedAnswer {
  arguments: Record<string, unknown>;
  action: Record<string, unknown>;
  observation?: Observation;
  error?: string;
}

const recordedAnswers = JSON.parse(
  readFileSync(new URL('../../../test/recorded/terminal-answers.json', import.meta.url), 'utf8'),
) as RecordedAnswer[];

let folder: string;
let tools: Tool[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'terminal-tool-'));
});

afterEach(async () => {
  await Promise.all(tools.map((tool) => tool.close()));
  tools = [];
  await rm(folder, { recursive: true, force: true });
});

function open(params: Record<string, unknown> = {}, workingDir = folder): Tool {
  const host = { conversationId: 'c1', workingDir, folder, shownFolder: 'shown/c1' };
  const tool = terminalDefinition.create(host, params);
  tools.push(tool);
  return tool;
}

function call(tool: Tool, args: Record<string, unknown>): Promise<Observation> {
  return tool.prepare(args).execute({ signal: new AbortController().signal });
}

async function text(tool: Tool, command: string): Promise<string> {
  return plainText((await call(tool, { command })).content);
}

function rendered(observation: Observation): string {
  return plainText(terminalDefinition.render?.(observation) ?? []);
}

describe('the terminal tool', () => {
  it('answers as the original does with its subprocess back end', async () => {
    const quietSeconds = 1.5;
    const tool = open({ terminal_type: 'subprocess', no_change_timeout_seconds: quietSeconds });
    for (const { arguments: args, action, observation, error } of recordedAnswers) {
      const limited = 'timeout' in args ? { ...args, timeout: 0.5 } : args;
      const invocation = tool.prepare(limited);
      expect(Object.entries(invocation.action)).toEqual(
        Object.entries('timeout' in action ? { ...action, timeout: 0.5 } : action),
      );
      const answer = invocation.execute({ signal: new AbortController().signal });
      if (error) {
        await expect(answer).rejects.toThrow(
          new ToolExecutionError(error.replace("Error executing tool 'terminal': ", '')),
        );
        continue;
      }
      const shown = JSON.stringify(normalised(await answer));
      // Clients see the fields in this order.
      expect(shown).toBe(
        JSON.stringify(observation)
          .replace('after 4 seconds', `after ${quietSeconds} seconds`)
          .replace('after 2.0 seconds', 'after 0.5 seconds'),
      );
    }
  });

  /** Replaces paths and names of this machine by those of the recording. */
  function normalised(observation: Observation): Observation {
    const known = JSON.stringify(observation)
      .replaceAll(folder, '/workspace')
      .replace(/"username":"[^"]+","hostname":"[^"]+"/, '"username":"root","hostname":"host"')
      .replace(/"py_interpreter_path":"[^"]*"/, '"py_interpreter_path":"/usr/bin/python"')
      .replace(path.join('shown/c1', 'observations'), '<save dir>');
    return JSON.parse(known) as Observation;
  }

  it('renders output, directory, interpreter and exit code for the model', async () => {
    const tool = open();
    const observation = await call(tool, { command: 'echo a; (exit 3)' });
    expect(observation.metadata).toMatchObject({ username: userInfo().username });
    expect(
      rendered({ ...observation, metadata: { ...Object(observation.metadata), py_interpreter_path: '/p' } }),
    ).toBe(
      'a\n[The command completed with exit code 3.]\n' +
        `[Current working directory: ${folder}]\n[Python interpreter: /p]\n[Command finished with exit code 3]`,
    );
    expect(rendered(await call(tool, { command: 'x', is_input: true }))).toBe(
      'No previous running command to interact with.',
    );
  });

  it('truncates long output and saves all of it to a file', async () => {
    const observation = await call(open(), { command: 'seq 1 9000' });
    const answer = rendered(observation);
    expect(answer).toHaveLength(30_000);
    expect(answer.endsWith('[Command finished with exit code 0]')).toBe(true);
    const [, file = '', line] = /saved to (\S+\.txt) - .* around line (\d+)\)/.exec(answer) ?? [];
    expect(path.dirname(file)).toBe(path.join(folder, 'observations'));
    const lines = (await readFile(file, 'utf8')).split('\n');
    expect(lines).toHaveLength(9000);
    expect(answer).toContain(`\n${Number(line) - 2}\n`);
    expect(answer).not.toContain(`\n${Number(line)}\n`);
  });

  it('reports that the beginning of very long output was dropped', async () => {
    const observation = await call(open(), { command: 'seq 1 30000' });
    const prefix =
      '[Previous command outputs are truncated. Showing the last 10000 lines of the output below.]\n';
    expect(observation.metadata).toMatchObject({ prefix });
    expect(rendered(observation)).toHaveLength(30_000);
    expect(rendered(observation).startsWith(`${prefix}20001\n`)).toBe(true);
  });

  it('continues in a new shell after `exit` and reports it', async () => {
    const tool = open();
    const observation = await call(tool, { command: 'echo last; exit 3' });
    expect(observation).toMatchObject({ is_error: true, exit_code: -1, metadata: { exit_code: -1 } });
    expect(rendered(observation)).toMatch(/^last\n\nThe terminal session was reset .*\(exit code 3\)/);
    expect(await text(tool, 'echo alive')).toBe('alive');
  });

  it('returns the rest of an earlier command with the next result', async () => {
    const tool = open({ no_change_timeout_seconds: 0.1 });
    await call(tool, { command: 'echo early; sleep 0.3; echo late; (exit 4)' });
    await expect(call(tool, { command: 'echo next' })).resolves.toMatchObject({ is_error: true });
    const deadline = performance.now() + 10_000;
    let answer = '';
    while (!answer.includes('next\n') && performance.now() < deadline) {
      await delay(20);
      answer = rendered(await call(tool, { command: 'echo next' }));
    }
    expect(answer).toContain(
      '[Below is the output of the previous command.]\nlate\n[The previous command completed with exit code 4.]\n' +
        '[Below is the output of the new command.]\nnext\n',
    );
  });

  it('returns the result of a command that ended before the input', async () => {
    const tool = open();
    await call(tool, { command: 'read x; echo "got $x"', timeout: 0.1 });
    await call(tool, { command: 'a', is_input: true, timeout: 0 });
    const answer = await call(tool, { command: 'b', is_input: true });
    // The terminal may still echo the late input.
    expect(rendered(answer)).toMatch(/got a\n(b\n)?\[The command completed with exit code 0\.\]/);
    expect(await text(tool, 'echo ok')).toBe('ok');
  });

  it('accepts keys without `is_input` while a command runs', async () => {
    const tool = open();
    await call(tool, { command: 'sleep 100', timeout: 0.2 });
    expect(rendered(await call(tool, { command: 'C-c' }))).toContain('exit code 130. CTRL+C was sent.]');
    expect(await text(tool, 'C-c')).toBe('bash: C-c: command not found');
  });

  it('rejects on an interrupt and keeps the shell', async () => {
    const tool = open();
    const controller = new AbortController();
    const running = tool
      .prepare({ command: 'cd /; export A=1; sleep 100' })
      .execute({ signal: controller.signal, onOutput: () => undefined })
      .catch((error: unknown) => error);
    setTimeout(() => controller.abort(new Error('interrupted')), 200);
    expect(await running).toEqual(new Error('interrupted'));
    expect(await text(tool, 'pwd; echo $A')).toBe('/\n1');
  });

  it('explains why a call is refused', async () => {
    const missing = call(open({}, path.join(folder, 'missing')), { command: 'ls' });
    await expect(missing).rejects.toThrow(ToolExecutionError);
    await expect(missing).rejects.toThrow(
      `${path.join(folder, 'missing')} does not exist or is not a directory`,
    );
    await expect(call(open({ shell_path: '/no/bash' }), { command: 'ls' })).rejects.toThrow(
      ToolExecutionError,
    );
    await expect(call(open({ username: 'somebody' }), { command: 'ls' })).rejects.toThrow(ToolExecutionError);
  });

  it.each([
    ["{'a': 1}", 'dict', `"{'a': 1}"`],
    ['[["a"]]', 'nested list', `'[["a"]]'`],
    ['  ["x"]', 'list', `'["x"]'`],
  ])('refuses the literal %s', async (command, type, shown) => {
    expect(await text(open(), command)).toContain(
      `looks like a Python/JSON ${type} literal, not a shell command. It starts with: ${shown}\n`,
    );
  });

  it('does not mistake tests and groups for literals', async () => {
    const tool = open();
    expect(await text(tool, '[ "a" = a ] && { echo yes; }')).toBe('yes');
    expect(await text(tool, '{ echo hi; }')).toBe('hi');
  });

  it('streams live output and sets configured variables', async () => {
    const received: Buffer[] = [];
    const tool = open({ env: { MINE: 'x', NUMBER: 1 } });
    const controller = new AbortController();
    await tool
      .prepare({ command: 'echo $MINE$NUMBER' })
      .execute({ signal: controller.signal, onOutput: (chunk) => received.push(chunk) });
    expect(Buffer.concat(received).toString()).toBe('x\r\n');
  });

  it('locks the terminal of its conversation', () => {
    expect(open().prepare({ command: 'ls' }).touches()).toEqual([{ kind: 'terminal', key: 'c1' }]);
  });

  it('renders stored observations without empty fields', () => {
    const stored = { content: [], is_error: false, kind: 'TerminalObservation' };
    expect(rendered(stored)).toBe('');
  });
});
