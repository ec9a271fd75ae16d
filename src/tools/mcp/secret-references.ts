import type { ToolSecrets } from '../tool-host.js';

const REFERENCE = /\$\{(\w+)\}|\$(\w+)/g;

/**
 * A value with the secrets of the conversation in place of `$NAME` and `${NAME}`, at any depth. Other names
 * stay as they are: the environment of the server is nobody's business.
 * @throws the reason of the signal once it is aborted
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
  return replaced(value, (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined));
}

function replaced(value: unknown, lookUp: (name: string) => string | undefined): unknown {
  if (typeof value === 'string') {
    return value.replace(
      REFERENCE,
      (all, braced: string | undefined, bare: string | undefined) => lookUp(braced ?? bare ?? '') ?? all,
    );
  }
  if (Array.isArray(value)) return value.map((item: unknown) => replaced(item, lookUp));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item, lookUp)]));
}
