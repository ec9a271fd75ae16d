import { textContent } from '../../events/index.js';
import type { Content, Observation } from '../../events/index.js';
import { truncateMiddle } from '../truncate.js';
import type { ShellPrompt } from './session/prompt-protocol.js';

/** The longest rendered observation (characters), the same as the original's. */
export const MAX_RENDERED_LENGTH = 30_000;

/** `metadata` of a TerminalObservation, with its fields in the order of the wire. */
interface CommandMetadata {
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
 * Creates metadata from the shell's state at its prompt. Without a prompt (the command runs on), codes are
 * -1.
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

/** The text that the model sees before and after the output. */
export function outputFrame(metadata: CommandMetadata): { before: string; after: string } {
  const lines = [metadata.suffix];
  if (metadata.working_dir) lines.push(`\n[Current working directory: ${metadata.working_dir}]`);
  if (metadata.py_interpreter_path) lines.push(`\n[Python interpreter: ${metadata.py_interpreter_path}]`);
  if (metadata.exit_code !== -1) lines.push(`\n[Command finished with exit code ${metadata.exit_code}]`);
  return { before: metadata.prefix, after: lines.join('') };
}

/** The parts of a terminal observation. */
interface TerminalResult {
  command: string;
  text: string;
  isError?: boolean;
  /** Absent if nothing was run. */
  exitCode?: number;
  metadata?: CommandMetadata;
  /** The folder of complete outputs, as clients see it. Omitted if there is no output. */
  saveDir?: string;
}

/** Creates an observation with its fields in the order of the wire. */
export function terminalObservation(result: TerminalResult): Observation {
  const { command, text, exitCode, saveDir } = result;
  return {
    content: [textContent(text)],
    is_error: result.isError ?? false,
    command,
    ...(exitCode !== undefined && { exit_code: exitCode }),
    timeout: false,
    metadata: result.metadata ?? commandMetadata(undefined, '', ''),
    ...(saveDir !== undefined && text !== '' && { full_output_save_dir: saveDir }),
    kind: 'TerminalObservation',
  };
}

/** Renders a stored observation for the model: the output, framed by texts from its metadata. */
export function renderTerminalObservation(observation: Observation): Content[] {
  const { before, after } = outputFrame(storedMetadata(observation.metadata));
  const text = observation.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  const images = observation.content.filter((block) => block.type !== 'text');
  return [textContent(truncateMiddle(before + text + after, MAX_RENDERED_LENGTH)), ...images];
}

/** Reads stored metadata, in which null fields are omitted. */
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
