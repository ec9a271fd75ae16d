import { isJsonObject, type JsonObject } from '../json/index.js';
import { isSecretName, memoize } from '../text/index.js';
import { changeUserinfo } from './userinfo.js';

/** One secret inside a larger object. */
export interface SecretPlace {
  /** JSON pointer (RFC 6901) in the walked object. */
  pointer: string;
  /** Null: no value. */
  value: string | null;
  /** The object that the secret belongs to: the LLM, the secret source, the MCP server. */
  owner: JsonObject;
  /** How answers to clients show it: as null, masked, or omitted. */
  hiddenAs: 'null' | 'mask' | 'absence';
  /**
   * The server itself uses it, for a model or another service; all others belong to tools and commands.
   */
  isCredential: boolean;
  /** User name and password in a URL; the rest of the URL is not secret. */
  isUserinfo: boolean;
  /**
   * Programs that share files with this server read this place as plain text and would use a token as the
   * value.
   */
  isPlainElsewhere: boolean;
}

/** The secret's new value; undefined leaves it out. */
type SecretChange = (place: SecretPlace) => string | null | undefined;

/** What kind of object a field belongs to. */
type Context = 'plain' | 'server' | 'source' | 'params';

/** Names of fields whose check is cached. */
const CACHED_NAMES = 2_000;

/**
 * Names of fields that are secret everywhere: `api_key`, `aws_secret_access_key`, `aws_session_token`, ...
 */
const SECRET_FIELD =
  /(^|_)(api_key|access_key(_id)?|secret(_access)?_key|(session|auth|access|refresh|id)_token|client_secret|password)$/;
const isSecretFieldName = memoize((name) => SECRET_FIELD.test(name), CACHED_NAMES);

/**
 * URLs that this server calls or clones: `base_url`, `aws_bedrock_runtime_endpoint`, `source` of a
 * plugin, ...
 */
const isAddressField = memoize((name) => /(^|_)(url|endpoint|source)$/.test(name), CACHED_NAMES);

/**
 * Maps with arbitrary keys (labels, names of tools, ids, JSON schemas), which contain no secrets whatever the
 * keys are. In a conversation, in the rest of its create request and in an agent.
 */
const FREE_PLACE =
  /^(\/rest)?\/(tags|stats|agent_state|blocked_actions|blocked_messages|client_tools|tool_module_qualnames|observability_metadata)$|^(\/agent)?\/(system_prompt_kwargs|agent_context\/skills\/\d+\/metadata)$/;

/**
 * The last names of those places. Checked first, because matching the whole pointer is the slowest check.
 */
const FREE_NAMES = new Set([
  'tags',
  'stats',
  'agent_state',
  'blocked_actions',
  'blocked_messages',
  'client_tools',
  'tool_module_qualnames',
  'observability_metadata',
  'system_prompt_kwargs',
  'metadata',
]);

/**
 * Copies an object with every secret in it changed. This is the one place that knows where secrets are:
 * fields with names of keys at any depth (including the LLM of a condenser), secret sources, entries of
 * `secrets`, all values of `headers` and `extra_headers`, user names and passwords in URLs, and the `env` of
 * MCP servers. Parts without secrets are not copied.
 */
export function changeSecrets(object: JsonObject, change: SecretChange): JsonObject {
  return new SecretWalk(change).record(object, '', 'plain');
}

class SecretWalk {
  constructor(private readonly change: SecretChange) {}

  record(record: JsonObject, pointer: string, context: Context): JsonObject {
    return mapEntries(record, (name, item) => {
      // Most members contain no secret: their pointer is not built.
      if (isFree(record, name, item, context)) return item;
      return this.member(record, name, item, `${pointer}/${escapePointer(name)}`, context);
    });
  }

  private member(owner: JsonObject, name: string, item: unknown, pointer: string, context: Context): unknown {
    if (FREE_NAMES.has(name) && FREE_PLACE.test(pointer)) return item;
    if (isSecretValue(item)) return this.text({ owner, name, item, pointer, context });
    if (Array.isArray(item)) {
      return item.map((element: unknown, index) =>
        isJsonObject(element) ? this.record(element, `${pointer}/${index}`, context) : element,
      );
    }
    return isJsonObject(item) ? this.group(owner, name, item, pointer, context) : item;
  }

  private text({ owner, name, item, pointer, context }: Member): string | null | undefined {
    // Secrets of tools and MCP servers are not the server's credentials.
    const isCredential = context === 'plain';
    if (isSecretField(owner, name, context)) {
      const ofSource = name === 'value';
      return this.change({
        pointer,
        value: item,
        owner,
        hiddenAs: 'null',
        isCredential: isCredential && !ofSource,
        isUserinfo: false,
        isPlainElsewhere: false,
      });
    }
    if (item === null || !isAddressField(name)) return item;
    return changeUserinfo(item, (value) =>
      this.change({
        pointer,
        value,
        owner,
        hiddenAs: 'mask',
        isCredential,
        isUserinfo: true,
        isPlainElsewhere: true,
      }),
    );
  }

  private group(
    owner: JsonObject,
    name: string,
    item: JsonObject,
    pointer: string,
    context: Context,
  ): JsonObject | undefined {
    // A JSON schema: its keys are names of parameters.
    if (name === 'properties' && owner['type'] === 'object') return item;
    if (name === 'mcp_config' || name === 'mcp_tools') return this.servers(item, pointer);
    if (name === 'secrets' || name === 'secret_sources') return this.sources(item, pointer, owner);
    if (context === 'server' && (name === 'env' || name === 'headers')) {
      const left = this.entries(item, pointer, { owner, hiddenAs: () => 'absence' });
      // Clients do not see an empty map in place of one with secrets.
      return Object.keys(left).length === 0 && Object.keys(item).length > 0 ? undefined : left;
    }
    // Any header may carry a credential. Clients expect only headers with secret names to be omitted.
    if (name === 'headers') {
      const hiddenAs = (header: string) => (isSecretName(header) ? 'absence' : 'mask');
      const isPlainElsewhere = (header: string) => !isSecretName(header);
      return this.entries(item, pointer, { owner, hiddenAs, isPlainElsewhere });
    }
    if (name === 'extra_headers') {
      const hiddenAs = () => 'mask' as const;
      return this.entries(item, pointer, {
        owner,
        hiddenAs,
        isPlainElsewhere: () => true,
        isCredential: true,
      });
    }
    // A part of what is sent to the model: only its receiver may get what is in it.
    if (name === 'litellm_extra_body') {
      const ofModel = { owner, hiddenAs: 'mask', isPlainElsewhere: true } as const;
      return new SecretWalk((place) => this.change({ ...place, ...ofModel })).record(item, pointer, context);
    }
    // Models that a tool is given: this server calls them.
    if (name === 'meta_profile_llms') return this.record(item, pointer, 'plain');
    if (name === 'params') return this.record(item, pointer, 'params');
    return this.record(item, pointer, context === 'source' ? 'plain' : context);
  }

  /** MCP servers by name, whatever the name. */
  private servers(map: JsonObject, pointer: string): JsonObject {
    return mapEntries(map, (name, item) => {
      const at = `${pointer}/${escapePointer(name)}`;
      if (!isJsonObject(item)) return this.member(map, name, item, at, 'server');
      return name === 'mcpServers' ? this.servers(item, at) : this.record(item, at, 'server');
    });
  }

  /** Secrets by name: each a plain text or an object that says where it comes from. */
  private sources(map: JsonObject, pointer: string, owner: JsonObject): JsonObject {
    return mapEntries(map, (name, item) => {
      const at = `${pointer}/${escapePointer(name)}`;
      if (isSecretValue(item)) return this.change({ ...NAMED, pointer: at, value: item, owner });
      return isJsonObject(item) ? this.record(item, at, 'source') : item;
    });
  }

  private entries(
    map: JsonObject,
    pointer: string,
    { owner, hiddenAs, isPlainElsewhere = () => false, isCredential = false }: EntryKind,
  ): JsonObject {
    return mapEntries(map, (name, item) => {
      if (!isSecretValue(item)) return item;
      return this.change({
        pointer: `${pointer}/${escapePointer(name)}`,
        value: item,
        owner,
        hiddenAs: hiddenAs(name),
        isCredential,
        isUserinfo: false,
        isPlainElsewhere: isPlainElsewhere(name),
      });
    });
  }
}

/** Properties that all entries of a map of secrets share. */
interface EntryKind {
  owner: JsonObject;
  hiddenAs: (name: string) => SecretPlace['hiddenAs'];
  isPlainElsewhere?: (name: string) => boolean;
  isCredential?: boolean;
}

/** A text of an object, and its place. */
interface Member {
  owner: JsonObject;
  name: string;
  item: string | null;
  pointer: string;
  context: Context;
}

function isFree(owner: JsonObject, name: string, item: unknown, context: Context): boolean {
  if (typeof item === 'object' && item !== null) return false;
  if (!isSecretValue(item)) return true;
  return !isSecretField(owner, name, context) && (item === null || !isAddressField(name));
}

/** How an entry of `secrets` is treated. */
const NAMED = {
  hiddenAs: 'mask',
  isCredential: false,
  isUserinfo: false,
  isPlainElsewhere: false,
} as const;

function isSecretField(owner: JsonObject, name: string, context: Context): boolean {
  // `value` is a secret in a secret source and in the credential of an MCP server; elsewhere it is an
  // ordinary name.
  if (name === 'value')
    return context === 'server' || context === 'source' || owner['kind'] === 'StaticSecret';
  return isSecretFieldName(name);
}

function isSecretValue(value: unknown): value is string | null {
  return typeof value === 'string' || value === null;
}

function mapEntries(map: JsonObject, change: (name: string, item: unknown) => unknown): JsonObject {
  const changed: JsonObject = {};
  for (const name of Object.keys(map)) {
    const item = change(name, map[name]);
    if (item === undefined) continue;
    if (name === '__proto__') Object.defineProperty(changed, name, { ...OWN, value: item });
    else changed[name] = item;
  }
  return changed;
}

/** Defines an ordinary property, also of the name `__proto__`. */
const OWN = { configurable: true, enumerable: true, writable: true };

/** The names in a JSON pointer (RFC 6901). */
export function parsePointer(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function escapePointer(name: string): string {
  return /[~/]/.test(name) ? name.replaceAll('~', '~0').replaceAll('/', '~1') : name;
}
