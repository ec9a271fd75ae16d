import { isJsonObject, type JsonObject } from '../json/index.js';
import { maskParameters } from '../text/index.js';
import { MASK } from './mask.js';

/** Names of texts that are secrets wherever they are in a configuration: a body for the model, metadata. */
const SECRET = /(^|[_-])(api_?key|key|token|secret|password|passwd|authorization|cookie|credentials?)$/i;
const URL_ALONE = /^[a-z][a-z\d+.-]*:\/\/\S+$/i;

/** Parts of a conversation that are configuration. Messages, calls and their results are not. */
const CONFIGURATION = new Set([
  ...['agent', 'secrets', 'secret_registry', 'mcp_config', 'mcpServers', 'hook_config', 'agent_settings'],
  ...['launched_agent_profile', 'observability_metadata', 'agent_definitions', 'workspace'],
]);
/** Their names are those of people, tools and events, not of fields. */
const FREE = new Set([
  'tags',
  'stats',
  'agent_state',
  'client_tools',
  'skills',
  'input_schema',
  'properties',
]);

/**
 * Copies a value with the secrets masked that no field is meant for, where a configuration has them anyway:
 * parameters of addresses (`?token=`), arguments of programs (`--api-key X`), bodies and labels of any form.
 * For what people pass on to others. Numbers and places stay, so that the copy can be read as before.
 */
export function maskLooseSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskLooseSecrets);
  if (!isJsonObject(value)) return value;
  // As a state update names its part.
  const key = value['key'];
  const isPart = value['kind'] === 'ConversationStateUpdateEvent' && typeof key === 'string';
  return mapValues(value, (name, item) => {
    const isConfiguration = CONFIGURATION.has(name) || (isPart && name === 'value' && CONFIGURATION.has(key));
    return isConfiguration ? maskedPart(name, item) : maskLooseSecrets(item);
  });
}

function maskedPart(name: string, value: unknown): unknown {
  if (typeof value === 'string') return maskedText(name, value);
  if (Array.isArray(value))
    return name === 'args' ? maskedArguments(value) : value.map((item) => maskedPart('', item));
  if (!isJsonObject(value)) return value;
  return mapValues(value, (key, item) => (FREE.has(key) ? item : maskedPart(key, item)));
}

function maskedText(name: string, text: string): string {
  if (text !== '' && SECRET.test(name)) return MASK;
  return URL_ALONE.test(text) ? maskParameters(text) : text;
}

function maskedArguments(words: readonly unknown[]): unknown[] {
  return words.map((word, index) => {
    if (typeof word !== 'string') return word;
    const before = words[index - 1];
    const isValue = typeof before === 'string' && before.startsWith('-') && SECRET.test(before);
    return isValue && !word.startsWith('-') ? MASK : maskedText('', maskedArgument(word));
  });
}

/** An option or a header with its value in the same argument: `--token=X`, `Authorization: Bearer X`. */
function maskedArgument(word: string): string {
  const end = word.search(/[=:]/);
  if (end === -1) return word;
  const [name, separator, value] = [word.slice(0, end), word.charAt(end), word.slice(end + 1)];
  if (SECRET.test(name.trimEnd())) return `${name}${separator}${MASK}`;
  // `--header=Authorization: Bearer X`
  return separator === '=' && name.startsWith('-') ? `${name}=${maskedArgument(value)}` : word;
}

function mapValues(object: JsonObject, change: (name: string, value: unknown) => unknown): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(name, value)]));
}
