import { isJsonObject } from '../json/index.js';
import { isSecretName } from '../text/index.js';
import { maskUserinfo } from './userinfo.js';

export { isSecretName };

const SECRET_GROUP = /^((acp_)?env|environment|(extra_)?headers)$/i;
/** Maps of MCP servers, by the names that requests and files have for them. */
const SERVERS = /^(mcp_config|mcp_?servers)$/i;

/** Objects that hold a key, by the names that requests have for them. */
const KEY_HOLDERS = /^(llm|\w+_llms?|auth|connection)$/i;

/** An object is expected under this name that holds a key: a text in its place may be the key itself. */
export function isKeyHolder(name: string): boolean {
  return KEY_HOLDERS.test(name);
}

/** Everything below an object of this name is hidden. */
export function isEnvironmentOrHeaders(name: string): boolean {
  return SECRET_GROUP.test(name);
}

/** Objects of this name hold texts that are secrets, or may be: a text in the place of one may be, too. */
export function isSecretGroup(name: string): boolean {
  return SECRET_GROUP.test(name) || SERVERS.test(name);
}

/**
 * A copy for messages to people: values of fields with a secret name, and everything below `env`, `acp_env`,
 * `environment`, `headers` and `extra_headers`, become `<redacted>`. A plain text stays as it is, a URL
 * without its name and password.
 */
export function redact(value: unknown): unknown {
  if (typeof value === 'string') return maskUserinfo(value);
  if (Array.isArray(value)) return value.map(redact);
  if (!isJsonObject(value)) return value;
  return mapEntries(value, (name, item) => {
    if (isSecretName(name)) return '<redacted>';
    return isEnvironmentOrHeaders(name) ? redactAll(item) : redact(item);
  });
}

function redactAll(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redactAll);
  return isJsonObject(value) ? mapEntries(value, (_name, item) => redactAll(item)) : '<redacted>';
}

function mapEntries(
  record: Record<string, unknown>,
  change: (name: string, item: unknown) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([name, item]) => [name, change(name, item)]));
}
