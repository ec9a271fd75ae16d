import { isJsonObject, type JsonObject } from '../json/index.js';
import { isSecretName } from './redact.js';
import { changeUserinfo } from './userinfo.js';

/** One secret inside a larger object. */
export interface SecretPlace {
  /** JSON pointer (RFC 6901) from the object that is walked. */
  pointer: string;
  /** Null: no value at the moment. */
  value: string | null;
  /** The object that the secret belongs to: the LLM, the secret source, the MCP server. */
  owner: JsonObject;
  /** How it looks to clients: as null, masked, or not there at all. */
  hiddenAs: 'null' | 'mask' | 'absence';
  /**
   * It opens a model or another service that this server itself calls; all others belong to tools and
   * commands.
   */
  isCredential: boolean;
  /** Name and password in a URL; the rest of the URL is no secret. */
  isUserinfo: boolean;
  /**
   * Other programs that share files with this server read this place as plain text: a token is no value to
   * them.
   */
  isPlainElsewhere: boolean;
}

/** The secret's new value; undefined leaves it out. */
export type SecretChange = (place: SecretPlace) => string | null | undefined;

/** What the surroundings say about a field. */
type Context = 'plain' | 'server' | 'source' | 'params';

/** How many names are remembered, and from which length on (characters) they are not. */
const MOST_NAMES = 2_000;
const LONG_NAME = 100;

/** Names that are secret wherever they stand: `api_key`, `aws_secret_access_key`, `aws_session_token`, ... */
const isSecretFieldName = remembered(
  /(^|_)(api_key|access_key(_id)?|secret(_access)?_key|(session|auth|access|refresh|id)_token|client_secret|password)$/,
);

/**
 * URLs that this server calls, or clones from: `base_url`, `aws_bedrock_runtime_endpoint`, `source` of a
 * plugin, ...
 */
const isAddressField = remembered(/(^|_)(url|endpoint|source)$/);

/**
 * Maps whose keys are anybody's words (labels, names of tools, ids, JSON schemas): no key of theirs makes a
 * secret. In a conversation, in the rest of its create request and in an agent.
 */
const FREE_PLACE =
  /^(\/rest)?\/(tags|stats|agent_state|blocked_actions|blocked_messages|client_tools|tool_module_qualnames|observability_metadata)$|^(\/agent)?\/(system_prompt_kwargs|agent_context\/skills\/\d+\/metadata)$/;

/**
 * The last words of those places: nothing else is asked where it stands, which takes longer than all other
 * questions.
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
 * A copy of an object with every secret in it changed. This is the one place that knows where secrets are:
 * fields named like keys at any depth (so the LLM of a condenser too), secret sources, entries of `secrets`,
 * all values of `headers` and `extra_headers`, names and passwords in URLs, and the `env` of MCP servers.
 * What is free of secrets is not copied.
 */
export function changeSecrets(object: JsonObject, change: SecretChange): JsonObject {
  return new SecretWalk(change).record(object, '', 'plain');
}

class SecretWalk {
  constructor(private readonly change: SecretChange) {}

  record(record: JsonObject, pointer: string, context: Context): JsonObject {
    return mapEntries(record, (name, item) => {
      // Most members are neither a secret nor have one in them: nobody asks where they stand.
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
    // What tools and MCP servers are given is theirs.
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
    // A JSON schema: its keys name what somebody else may say.
    if (name === 'properties' && owner['type'] === 'object') return item;
    if (name === 'mcp_config' || name === 'mcp_tools') return this.servers(item, pointer);
    if (name === 'secrets' || name === 'secret_sources') return this.sources(item, pointer, owner);
    if (context === 'server' && (name === 'env' || name === 'headers')) {
      const left = this.entries(item, pointer, { owner, hiddenAs: () => 'absence' });
      // Clients see no empty map where there was one full of secrets.
      return Object.keys(left).length === 0 && Object.keys(item).length > 0 ? undefined : left;
    }
    // Any header may be one that lets in, whatever its name. Clients know only those that are named so to be
    // left out.
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

/** What is the same for all entries of a map of secrets. */
interface EntryKind {
  owner: JsonObject;
  hiddenAs: (name: string) => SecretPlace['hiddenAs'];
  isPlainElsewhere?: (name: string) => boolean;
  isCredential?: boolean;
}

/** A text of an object, and where it stands. */
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
  // `value` is a secret of a secret source and of an MCP server's credential; elsewhere it is any word.
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

/** A property like any other, whatever its name. */
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

/**
 * What a pattern says of names, which are few: the fields of conversations, and of what people put into them.
 */
function remembered(pattern: RegExp): (name: string) => boolean {
  const answers = new Map<string, boolean>();
  return (name) => {
    const known = answers.get(name);
    if (known !== undefined) return known;
    const answer = pattern.test(name);
    if (answers.size < MOST_NAMES && name.length < LONG_NAME) answers.set(name, answer);
    return answer;
  };
}
