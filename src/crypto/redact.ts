import { isJsonObject } from '../json/index.js';
import { isSecretName } from '../text/index.js';
import { maskUserinfo } from './userinfo.js';

export { isSecretName };

const SECRET_GROUP = /^((acp_)?env|environment|(extra_)?headers)$/i;
/** Names of maps of MCP servers in requests and files. */
const SERVERS = /^(mcp_config|mcp_?servers)$/i;

/** Names of objects with keys in requests. */
const KEY_HOLDERS = /^(llm|\w+_llms?|auth|connection)$/i;

/** Whether this name is for an object with a key: a text in its place may be the key itself. */
export function isKeyHolder(name: string): boolean {
  return KEY_HOLDERS.test(name);
}

/** Whether everything in an object of this name is hidden. */
export function isEnvironmentOrHeaders(name: string): boolean {
  return SECRET_GROUP.test(name);
}

/** Whether objects of this name contain secrets: a text in their place may be one, too. */
export function isSecretGroup(name: string): boolean {
  return SECRET_GROUP.test(name) || SERVERS.test(name);
}

/**
 * Copies a value for messages to people. Values of fields with a secret name, and everything in `env`,
 * `acp_env`, `environment`, `headers` and `extra_headers`, become `<redacted>`; user names and passwords in
 * URLs are masked.
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
