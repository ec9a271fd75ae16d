import type { AppConfig } from '../config/index.js';
import { errorMessage } from '../errors/index.js';
import { dashedUuid } from '../text/index.js';

const ID = /^[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}$/i;

/** Where a command writes. */
export interface CommandOutput {
  /** Writes the result, for programs as well. */
  print(line: string): void;
  /** Writes what people should know beside it. */
  note(line: string): void;
}

/** What the arguments of a command ask for. */
export type Parsed =
  | { kind: 'help' }
  | { kind: 'usage-error'; message: string }
  | {
      kind: 'run';
      /** @returns the exit code */
      run: (config: AppConfig, output: CommandOutput) => Promise<number>;
      /** Explains to the operator, line by line, why `run` failed. */
      explain: (error: unknown) => string[] | Promise<string[]>;
    };

/** A command beside the server: `openhands-agent-server NAME ...`, with the configuration of the server. */
export interface Subcommand {
  /** The output of `NAME --help`. */
  help: string;
  /** Parses the arguments after the name. Errors of Node's `parseArgs` may pass. */
  parse(args: readonly string[]): Parsed;
}

/** A mistake in the arguments of a command. */
export function usageError(message: string): Parsed {
  return { kind: 'usage-error', message };
}

/** What the arguments of a command ask for. The message of a mistake says where to look. */
export function parsedArguments(name: string, command: Subcommand, args: readonly string[]): Parsed {
  const parsed = parsedOrMistake(command, args);
  if (parsed.kind !== 'usage-error') return parsed;
  return usageError(`${parsed.message} (see ${name} --help)`);
}

/** The id of a conversation, written with or without dashes, in the form with dashes; undefined for no id. */
export function conversationIdIn(text: string): string | undefined {
  return ID.test(text) ? dashedUuid(text.replaceAll('-', '').toLowerCase()) : undefined;
}

function parsedOrMistake(command: Subcommand, args: readonly string[]): Parsed {
  try {
    return command.parse(args);
  } catch (error) {
    // Node's message continues with advice on its own syntax.
    return usageError(errorMessage(error).split(/\. |\n/)[0] ?? '');
  }
}
