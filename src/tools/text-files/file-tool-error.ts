import { pythonRepr } from '../../text/index.js';

/** A command that cannot be done; the message is the observation that the model gets. */
export class EditorError extends Error {
  override readonly name = 'EditorError';

  /** An argument that has a value of the right type and still is wrong. */
  static invalid(parameter: string, value: string | number | readonly number[], hint: string): EditorError {
    const shown = typeof value === 'string' ? value : pythonRepr(value);
    return new EditorError(`Invalid \`${parameter}\` parameter: ${shown}. ${hint}`);
  }

  /** An argument that this command needs. */
  static missing(parameter: string, command: string): EditorError {
    return new EditorError(`Parameter \`${parameter}\` is required for command: ${command}.`);
  }

  /**
   * What the file system refused, in the words that models know from Python: `[Errno 2] No such file ...`.
   */
  static fileSystem(error: unknown, doing: 'read' | 'write to', file: string): EditorError {
    return new EditorError(`Ran into ${systemMessage(error)} while trying to ${doing} ${file}`);
  }
}

function systemMessage(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('message' in error)) return String(error);
  const message = String(error.message);
  // Node: `ENOENT: no such file or directory, open '/x'`.
  const reason = /^E[A-Z0-9]+: ([^,]+),/.exec(message)?.[1];
  if (reason === undefined || !('errno' in error) || typeof error.errno !== 'number') return message;
  const where = 'path' in error && typeof error.path === 'string' ? `: '${error.path}'` : '';
  return `[Errno ${-error.errno}] ${reason.charAt(0).toUpperCase()}${reason.slice(1)}${where}`;
}
