import { spawn } from 'node:child_process';
import { shellEnvironment, killGroup } from '../../processes/index.js';

/** How long one command may take (ms), and how many there may be in a text. */
const TIMEOUT_MS = 10_000;
const MAX_COMMANDS = 20;
/** Most of what one command prints that is shown (bytes). */
const MAX_OUTPUT = 50_000;

/** `` !`command` `` */
const COMMAND = /!`([^`\n]+)`/g;

/**
 * Puts the output of the commands of a skill (`` !`command` ``) in their place, one after the other. A
 * command that fails is replaced by what went wrong.
 * @throws the reason of the signal once it is aborted
 */
export async function renderCommands(text: string, folder: string, signal: AbortSignal): Promise<string> {
  let rendered = '';
  let end = 0;
  let count = 0;
  for (const match of text.matchAll(COMMAND)) {
    const [whole, command = ''] = match;
    const output =
      ++count > MAX_COMMANDS
        ? `[Error: more than ${MAX_COMMANDS} commands]`
        : await run(command, folder, signal);
    rendered += text.slice(end, match.index) + output;
    end = match.index + whole.length;
  }
  return rendered + text.slice(end);
}

async function run(command: string, folder: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  // A group of its own, so that what it starts can be ended with it.
  const child = spawn('/bin/sh', ['-c', command], {
    cwd: folder,
    env: shellEnvironment(),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = (): void => killGroup(child, 'SIGKILL');
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const ends = AbortSignal.any([signal, limit]);
  ends.addEventListener('abort', kill);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const result = await new Promise<number | Error | null>((resolve) => {
    child.once('error', resolve);
    child.once('close', resolve);
    // What it left behind would keep its output open.
    child.once('exit', kill);
  });
  ends.removeEventListener('abort', kill);
  signal.throwIfAborted();
  if (result === 0) return stdout().trim();
  if (limit.aborted) return `[Error: Command \`${command}\` timed out after ${TIMEOUT_MS / 1000} seconds]`;
  const reason = typeof result === 'object' ? 'could not be run' : `exited with code ${result}`;
  return `[Error: Command \`${command}\` ${reason}: ${stderr().trim()}]`;
}

/** Keeps the beginning of what comes, and takes the rest so that its writer goes on. */
function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    if (size < MAX_OUTPUT) chunks.push(chunk.subarray(0, MAX_OUTPUT - size));
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
