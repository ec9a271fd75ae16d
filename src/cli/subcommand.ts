import type { AppConfig } from '../config/index.js';

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
  /** Parses the arguments after the name. */
  parse(args: readonly string[]): Parsed;
}

/** A mistake in the arguments of a command, with where to look. */
export function usageErrorOf(name: string, message: string): { kind: 'usage-error'; message: string } {
  return { kind: 'usage-error', message: `${message} (see ${name} --help)` };
}
