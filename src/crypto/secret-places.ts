import { isSecretName } from './redact.js';

/** Any JSON object. */
type JsonRecord = Record<string, unknown>;

/** One secret inside a larger object. */
export interface SecretPlace {
  /** JSON pointer (RFC 6901) from the object that is walked. */
  pointer: string;
  /** Null: no value at the moment. */
  value: string | null;
  /** The object that the secret belongs to: the LLM, the secret source, the MCP server. */
  owner: JsonRecord;
  /** How it looks to clients: as null, masked, or not there at all. */
  hiddenAs: 'null' | 'mask' | 'absence';
}

/** The secret's new value; undefined leaves it out. */
export type SecretChange = (place: SecretPlace) => string | null | undefined;

/** What the surroundings say about a field. */
type Context = 'plain' | 'server' | 'source';

/** Names that are secret wherever they stand: `api_key`, `aws_secret_access_key`, `aws_session_token`, ... */
const SECRET_FIELD =
  /(^|_)(api_key|access_key(_id)?|secret(_access)?_key|(session|auth|access|refresh)_token|client_secret|password)$/;

/**
 * A copy of an object with every secret in it changed. This is the one place that knows where secrets are: fields named
 * like keys at any depth (so the LLM of a condenser too), secret sources, entries of `secrets`, headers named like
 * secrets, and everything that is handed to MCP servers in `env` and `headers`.
 */
export function changeSecrets(object: JsonRecord, change: SecretChange): JsonRecord {
  return new SecretWalk(change).record(object, '', 'plain');
}

class SecretWalk {
  constructor(private readonly change: SecretChange) {}

  record(record: JsonRecord, pointer: string, context: Context): JsonRecord {
    return mapEntries(record, (name, item) =>
      this.member(record, name, item, `${pointer}/${escapePointer(name)}`, context),
    );
  }

  private member(owner: JsonRecord, name: string, item: unknown, pointer: string, context: Context): unknown {
    if (isSecretValue(item)) {
      if (!isSecretField(owner, name, context)) return item;
      return this.change({ pointer, value: item, owner, hiddenAs: 'null' });
    }
    if (Array.isArray(item)) {
      return item.map((element: unknown, index) =>
        isRecord(element) ? this.record(element, `${pointer}/${index}`, context) : element,
      );
    }
    return isRecord(item) ? this.group(owner, name, item, pointer, context) : item;
  }

  private group(
    owner: JsonRecord,
    name: string,
    item: JsonRecord,
    pointer: string,
    context: Context,
  ): JsonRecord | undefined {
    if (name === 'mcp_config') return this.record(item, pointer, 'server');
    if (name === 'secrets' || name === 'secret_sources') return this.sources(item, pointer, owner);
    if (context === 'server' && (name === 'env' || name === 'headers')) {
      const left = this.entries(item, pointer, owner, 'absence', () => true);
      // Clients see no empty map where there was one full of secrets.
      return Object.keys(left).length === 0 && Object.keys(item).length > 0 ? undefined : left;
    }
    if (name === 'headers') return this.entries(item, pointer, owner, 'absence', isSecretName);
    if (name === 'extra_headers') return this.entries(item, pointer, owner, 'mask', isSecretName);
    return this.record(item, pointer, context === 'server' ? 'server' : 'plain');
  }

  /** Secrets by name: each a plain text or an object that says where it comes from. */
  private sources(map: JsonRecord, pointer: string, owner: JsonRecord): JsonRecord {
    return mapEntries(map, (name, item) => {
      const at = `${pointer}/${escapePointer(name)}`;
      if (isSecretValue(item)) return this.change({ pointer: at, value: item, owner, hiddenAs: 'mask' });
      return isRecord(item) ? this.record(item, at, 'source') : item;
    });
  }

  private entries(
    map: JsonRecord,
    pointer: string,
    owner: JsonRecord,
    hiddenAs: SecretPlace['hiddenAs'],
    isSecret: (name: string) => boolean,
  ): JsonRecord {
    return mapEntries(map, (name, item) => {
      if (!isSecretValue(item) || !isSecret(name)) return item;
      return this.change({ pointer: `${pointer}/${escapePointer(name)}`, value: item, owner, hiddenAs });
    });
  }
}

function isSecretField(owner: JsonRecord, name: string, context: Context): boolean {
  // `value` is a secret of a secret source and of an MCP server's credential; elsewhere it is any word.
  if (name === 'value') return context !== 'plain' || owner['kind'] === 'StaticSecret';
  return SECRET_FIELD.test(name);
}

function isSecretValue(value: unknown): value is string | null {
  return typeof value === 'string' || value === null;
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mapEntries(map: JsonRecord, change: (name: string, item: unknown) => unknown): JsonRecord {
  const changed = Object.entries(map).map(([name, item]) => [name, change(name, item)] as const);
  return Object.fromEntries(changed.filter(([, item]) => item !== undefined));
}

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
