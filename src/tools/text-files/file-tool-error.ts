import { FileRefusal } from '../../files/index.js';
import { pythonRepr } from '../../text/index.js';

/** A file tool cannot do what the model asked for. The message becomes the observation. */
export class FileToolError extends Error {
  override readonly name = 'FileToolError';

  /** An argument has an unusable value of the right type. */
  static invalid(parameter: string, value: string | number | readonly number[], hint: string): FileToolError {
    const shown = typeof value === 'string' ? value : pythonRepr(value);
    return new FileToolError(`Invalid \`${parameter}\` parameter: ${shown}. ${hint}`);
  }

  /** A command lacks a required argument. */
  static missing(parameter: string, command: string): FileToolError {
    return new FileToolError(`Parameter \`${parameter}\` is required for command: ${command}.`);
  }

  /**
   * An error of the file system, worded as in Python: `[Errno 2] No such file ...`. What the sandbox refuses
   * is told in its own words.
   */
  static fileSystem(error: unknown, operation: 'read' | 'write to', file: string): FileToolError {
    if (error instanceof FileRefusal) return new FileToolError(error.message);
    return new FileToolError(`Ran into ${systemMessage(error)} while trying to ${operation} ${file}`);
  }
}

function systemMessage(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('message' in error)) return String(error);
  const message = String(error.message);
  // Node: `ENOENT: no such file or directory, open '/x'`.
  const reason = /^E[A-Z0-9]+: ([^,]+),/.exec(message)?.[1];
  if (reason === undefined || !('errno' in error) || typeof error.errno !== 'number') return message;
  const location = 'path' in error && typeof error.path === 'string' ? `: '${error.path}'` : '';
  return `[Errno ${-error.errno}] ${reason.charAt(0).toUpperCase()}${reason.slice(1)}${location}`;
}
