/*
 * Facts about a thrown value, found by its shape and not by `instanceof`: errors of other realms have another
 * `Error` class, and packages may be loaded twice.
 */

/** The code of a system error (`ENOENT`); undefined for other values. */
export function errorCode(error: unknown): string | undefined {
  return textField(error, 'code');
}

/** Whether an error of the system says that the disk, or the quota of the user, is full. */
export function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '');
}

/** The name of an error's class; `Error` for other values. */
export function errorName(error: unknown): string {
  return textField(error, 'name') ?? 'Error';
}

/**
 * The message of an error; other values as text. Without the argument values in Node's messages, which may be
 * secrets.
 */
export function errorMessage(error: unknown): string {
  return withoutArgument(error, textField(error, 'message') ?? String(error));
}

/** The stack of an error; other values as text. Without argument values, too. */
export function errorStack(error: unknown): string {
  return withoutArgument(error, textField(error, 'stack') ?? String(error));
}

/**
 * Node's `must be a string without null bytes. Received 'hush'` escapes the value, so masking would miss it.
 */
function withoutArgument(error: unknown, text: string): string {
  if (!errorCode(error)?.startsWith('ERR_INVALID_ARG_')) return text;
  const start = text.search(/\.? Received /);
  if (start === -1) return text;
  const rest = text.slice(start);
  const frames = rest.search(/\n +at /);
  return text.slice(0, start) + (frames === -1 ? '' : rest.slice(frames));
}

function textField(thrown: unknown, name: 'code' | 'name' | 'message' | 'stack'): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !(name in thrown)) return undefined;
  const value: unknown = Reflect.get(thrown, name);
  return typeof value === 'string' ? value : undefined;
}
