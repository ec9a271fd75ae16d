import { spawn } from 'node:child_process';
import { shellEnvironment, killGroup } from '../../processes/index.js';
import type { Confinement } from '../../sandbox/index.js';

/** Limits of one command (ms) and of the commands of a text. */
const TIMEOUT_MS = 10_000;
const MAX_COMMANDS = 20;
/** The maximum output of one command (bytes). */
const MAX_OUTPUT = 50_000;

/** `` !`command` `` */
const COMMAND = /!`([^`\n]+)`/g;

/**
 * Replaces the commands in a skill (`` !`command` ``) by their output, running one after another. A command
 * that fails is replaced by an error message.
 * @throws the signal's reason once it is aborted
 */
export async function renderCommands(
  text: string,
  folder: string,
  confinement: Confinement,
  signal: AbortSignal,
): Promise<string> {
  let rendered = '';
  let end = 0;
  let count = 0;
  for (const match of text.matchAll(COMMAND)) {
    const [whole, command = ''] = match;
    const output =
      ++count > MAX_COMMANDS
        ? `[Error: more than ${MAX_COMMANDS} commands]`
        : await run(command, folder, confinement, signal);
    rendered += text.slice(end, match.index) + output;
    end = match.index + whole.length;
  }
  return rendered + text.slice(end);
}

async function run(
  command: string,
  cwd: string,
  confinement: Confinement,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  // A process group of its own, so that its children can be killed with it.
  const start = confinement.program({ file: '/bin/sh', args: ['-c', command], cwd, env: shellEnvironment() });
  const child = spawn(start.file, start.args, {
    cwd: start.cwd,
    env: start.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = (): void => killGroup(child, 'SIGKILL');
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const aborted = AbortSignal.any([signal, limit]);
  aborted.addEventListener('abort', kill);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const result = await new Promise<number | Error | null>((resolve) => {
    child.once('error', resolve);
    child.once('close', resolve);
    // Remaining background processes would keep the output open.
    child.once('exit', kill);
  });
  aborted.removeEventListener('abort', kill);
  signal.throwIfAborted();
  if (result === 0) return stdout().trim();
  if (limit.aborted) return `[Error: Command \`${command}\` timed out after ${TIMEOUT_MS / 1000} seconds]`;
  const reason = typeof result === 'object' ? 'could not be run' : `exited with code ${result}`;
  return `[Error: Command \`${command}\` ${reason}: ${stderr().trim()}]`;
}

/** Keeps the beginning of a stream. The rest is read and dropped so that the writer does not block. */
function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    if (size < MAX_OUTPUT) chunks.push(chunk.subarray(0, MAX_OUTPUT - size));
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
