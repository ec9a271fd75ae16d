import { ConfigError, describeProblem, type ListenAddress } from '../config/index.js';
import { errorCode, errorMessage, errorName } from '../errors/index.js';

/** A folder that the server needs is not writable. */
export class UnwritableFolderError extends Error {
  override readonly name = 'UnwritableFolderError';
  constructor(
    /** The configuration option of the folder. */
    readonly option: string,
    readonly folder: string,
    cause: unknown,
  ) {
    super(`cannot write to ${folder}`, { cause });
  }
}

/** Errors of our own have names and messages for the operator, those of the system have codes. */
const UNEXPECTED = new Set(['Error', 'TypeError', 'RangeError', 'ReferenceError', 'SyntaxError']);

/** Whether an error of the start is a mistake of the program: its stack is needed to find it. */
export function isUnexpected(error: unknown): boolean {
  return errorCode(error) === undefined && UNEXPECTED.has(errorName(error));
}

/** Explains to the operator, line by line, why the server did not start. */
export function explainStartupError(error: unknown, { host, port }: ListenAddress): string[] {
  if (error instanceof ConfigError)
    return [...error.problems.map(describeProblem), ...error.warnings].map(
      (line) => `configuration: ${line}`,
    );
  if (error instanceof UnwritableFolderError) {
    const { option, folder, cause } = error;
    const reason = errorCode(cause) ?? errorMessage(cause);
    return [
      `cannot write to ${folder} (${reason}): allow this user to write there, or choose another folder with ` +
        `${option} in the configuration file or OH_${option.toUpperCase()}`,
    ];
  }
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return [`port ${port} on ${host} is in use: stop the other program or choose another port with --port`];
    case 'EACCES':
      return [`not allowed to listen on port ${port}: choose one above 1023 with --port`];
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return [`'${host}' is not an address of this machine: choose another with --host`];
    default:
      return [`cannot start: ${errorMessage(error).split('\n')[0] ?? ''}`];
  }
}
