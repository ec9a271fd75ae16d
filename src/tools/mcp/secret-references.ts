import type { ToolSecrets } from '../tool-host.js';

const REFERENCE = /\$\{(\w+)\}|\$(\w+)/g;

/**
 * Replaces `$NAME` and `${NAME}` in a value, at any depth, by the conversation's secrets. Other names are
 * left unchanged; the server's environment variables are not used.
 * @throws the signal's reason once it is aborted
 */
export async function withSecrets<T>(
  value: T,
  secrets: ToolSecrets | undefined,
  signal: AbortSignal,
): Promise<T>;
export async function withSecrets(
  value: unknown,
  secrets: ToolSecrets | undefined,
  signal: AbortSignal,
): Promise<unknown> {
  const text = JSON.stringify(value);
  if (!secrets || !text.includes('$')) return value;
  const { variables } = await secrets.namedIn(text, signal);
  return replaceReferences(value, (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined));
}

function replaceReferences(value: unknown, lookUp: (name: string) => string | undefined): unknown {
  if (typeof value === 'string') {
    return value.replace(
      REFERENCE,
      (all, braced: string | undefined, bare: string | undefined) => lookUp(braced ?? bare ?? '') ?? all,
    );
  }
  if (Array.isArray(value)) return value.map((item: unknown) => replaceReferences(item, lookUp));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, replaceReferences(item, lookUp)]),
  );
}
