/**
 * What can be told of anything that was thrown. By its shape, not by its class: where code runs in a context
 * of its own, the platform's errors are of another `Error`, and libraries bring several copies of their
 * classes.
 */

/** The code of a system error (`ENOENT`), undefined for whatever has none. */
export function errorCode(error: unknown): string | undefined {
  return textField(error, 'code');
}

/** The name of an error's class; `Error` for anything that has none. */
export function errorName(error: unknown): string {
  return textField(error, 'name') ?? 'Error';
}

/**
 * The message of an error; the text of anything else. Never what Node was given for an argument: it may be
 * the value of a variable, and that a secret.
 */
export function errorMessage(error: unknown): string {
  return withoutArgument(error, textField(error, 'message') ?? String(error));
}

/** The stack of an error, for a log; the text of anything else. Without what Node was given, too. */
export function errorStack(error: unknown): string {
  return withoutArgument(error, textField(error, 'stack') ?? String(error));
}

/**
 * `must be a string without null bytes. Received 'hush'`: it quotes the value as a program would, so no mask
 * knows it.
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
