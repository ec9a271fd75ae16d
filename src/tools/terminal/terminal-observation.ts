import { textContent } from '../../events/index.js';
import type { Content, Observation } from '../../events/index.js';
import { truncateMiddle } from '../truncate.js';
import type { ShellPrompt } from './session/prompt-protocol.js';

/** What the model gets to see of one answer at most, in characters (reference SDK). */
export const MAX_ANSWER_LENGTH = 30_000;

/** `metadata` of a TerminalObservation, in the order of the wire. */
export interface CommandMetadata {
  exit_code: number;
  pid: number;
  username?: string;
  hostname?: string;
  working_dir?: string;
  py_interpreter_path?: string;
  prefix: string;
  suffix: string;
}

/**
 * Metadata of an answer: what the shell said at its prompt, or -1 everywhere when the command did not end.
 */
export function commandMetadata(
  prompt: ShellPrompt | undefined,
  prefix: string,
  suffix: string,
): CommandMetadata {
  if (!prompt) return { exit_code: -1, pid: -1, prefix, suffix };
  return {
    exit_code: prompt.exitCode,
    pid: prompt.backgroundPid,
    username: prompt.username,
    hostname: prompt.hostname,
    working_dir: prompt.workingDir,
    py_interpreter_path: prompt.pythonPath,
    prefix,
    suffix,
  };
}

/** What the model reads around the output. */
export function answerFrame(metadata: CommandMetadata): { before: string; after: string } {
  const lines = [metadata.suffix];
  if (metadata.working_dir) lines.push(`\n[Current working directory: ${metadata.working_dir}]`);
  if (metadata.py_interpreter_path) lines.push(`\n[Python interpreter: ${metadata.py_interpreter_path}]`);
  if (metadata.exit_code !== -1) lines.push(`\n[Command finished with exit code ${metadata.exit_code}]`);
  return { before: metadata.prefix, after: lines.join('') };
}

/** What an observation of the terminal is made of. */
export interface AnswerParts {
  command: string;
  text: string;
  isError?: boolean;
  /** Absent: nothing was run. */
  exitCode?: number;
  metadata?: CommandMetadata;
  /** Where whole outputs are kept, as clients see it; not shown with an answer that has no output. */
  saveDir?: string;
}

/** Builds the observation with its fields in the order of the wire. */
export function terminalObservation(parts: AnswerParts): Observation {
  const { command, text, exitCode, saveDir } = parts;
  return {
    content: [textContent(text)],
    is_error: parts.isError ?? false,
    command,
    ...(exitCode !== undefined && { exit_code: exitCode }),
    timeout: false,
    metadata: parts.metadata ?? commandMetadata(undefined, '', ''),
    ...(saveDir !== undefined && text !== '' && { full_output_save_dir: saveDir }),
    kind: 'TerminalObservation',
  };
}

/** How a TerminalObservation reads for the model: the output between what the metadata says about it. */
export function renderTerminalObservation(observation: Observation): Content[] {
  const { before, after } = answerFrame(storedMetadata(observation.metadata));
  const text = observation.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  const images = observation.content.filter((block) => block.type !== 'text');
  return [textContent(truncateMiddle(before + text + after, MAX_ANSWER_LENGTH)), ...images];
}

/** Metadata as it comes back from a log, where absent and null fields are left out. */
function storedMetadata(stored: unknown): CommandMetadata {
  const fields = new Map<string, unknown>(Object.entries(stored ?? {}));
  const string = (name: string) => {
    const value = fields.get(name);
    return typeof value === 'string' ? value : '';
  };
  const number = (name: string) => {
    const value = fields.get(name);
    return typeof value === 'number' ? value : -1;
  };
  return {
    exit_code: number('exit_code'),
    pid: number('pid'),
    working_dir: string('working_dir'),
    py_interpreter_path: string('py_interpreter_path'),
    prefix: string('prefix'),
    suffix: string('suffix'),
  };
}
