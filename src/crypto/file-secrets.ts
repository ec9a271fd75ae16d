import { Injectable, Logger } from '@nestjs/common';
import type { JsonObject } from '../json/index.js';
import { Cipher, isToken } from './cipher.js';
import { KnownSecrets } from './known-secrets.js';
import { MASK } from './mask.js';
import { changeSecrets, parsePointer, type SecretPlace } from './secret-places.js';
import { identityOf, isBlank, secretTexts, withoutMask } from './secrets.js';

/** A file with its decrypted secrets. */
interface OpenedFile {
  /** Secrets are plain texts; unavailable ones are null. */
  value: JsonObject;
  /** The content of the file. */
  stored: JsonObject;
  /** JSON pointers of secrets that no key decrypts. */
  unopened: string[];
}

interface HeldSecret {
  value: string;
  belongsTo: string;
  /** The file has no placeholder for it. */
  isEmptied?: boolean;
}

/** Secrets that a warning lists. */
const MAX_REPORTED = 20;

/** Maps whose entries are omitted from the file; elsewhere a placeholder is left. */
const IN_MAP = /\/(extra_headers|headers|litellm_extra_body)\//;

/**
 * Member of a file for secrets whose places other programs read as plain text and would send to providers:
 * values of `extra_headers`, headers of looked-up secrets without a secret name, and credentials in URLs.
 * Maps the JSON pointer of the place, which is empty in the file, to a token. Other programs ignore the
 * member.
 */
export const ENCRYPTED_PLACES = 'agent_server_encrypted';

/**
 * Secrets of files that are shared with other programs. Each is replaced by a Fernet token, or stored in
 * `ENCRYPTED_PLACES` if other programs read its place as plain text. Without a key secrets are not written:
 * `**********` or nothing is in their place, and this process remembers them until it ends. Without a key,
 * plain text that another program has written stays unless its value changes.
 */
@Injectable()
export class FileSecrets {
  private readonly logger = new Logger('Secrets');
  /** By file and JSON pointer. */
  private readonly memory = new Map<string, Map<string, HeldSecret>>();
  private readonly reported = new Set<string>();

  constructor(
    private readonly cipher: Cipher,
    private readonly known: KnownSecrets,
  ) {}

  /** Decrypts the content of a file. */
  open(file: string, stored: JsonObject): OpenedFile {
    const { [ENCRYPTED_PLACES]: tokens, ...fields } = stored;
    const unopened: string[] = [];
    const held = new Map(this.memory.get(file));
    for (const [pointer, token] of Object.entries(textsIn(tokens))) {
      const secret = this.openPlace(token);
      if (secret) held.set(pointer, { ...secret, isEmptied: true });
      else unopened.push(pointer);
    }
    const value = changeSecrets(withPlaces(fields, held), (place) => {
      const { value: text, pointer } = place;
      if (text === MASK || (text === null && place.isPlainElsewhere)) {
        const found = held.get(pointer);
        if (found?.belongsTo === identityOf(place.owner)) return found.value;
        // A header without a value is omitted.
        return place.isPlainElsewhere && !place.isUserinfo ? undefined : null;
      }
      if (isBlank(text) || !isToken(text) || place.isPlainElsewhere) return text;
      const opened = this.cipher.decrypt(text);
      if (opened === undefined) unopened.push(pointer);
      return opened ?? null;
    });
    this.known.add(secretTexts(value));
    if (unopened.length > 0) this.reportUnopened(file, unopened);
    return { value, stored, unopened };
  }

  /**
   * Encrypts the content of a file.
   * @param before the present content of the file; undefined for a new one
   */
  seal(file: string, value: JsonObject, before: JsonObject = {}): JsonObject {
    this.known.add(secretTexts(value));
    const { [ENCRYPTED_PLACES]: formerTokens, ...formerFields } = before;
    const { [ENCRYPTED_PLACES]: _notOurs, ...fields } = value;
    const stood = textsOf(formerFields);
    const remembered = new Map<string, HeldSecret>();
    const tokens = new Map<string, string>();
    for (const [pointer, token] of Object.entries(textsIn(formerTokens))) {
      // Without its key nobody can have seen or removed it.
      if (this.openPlace(token) === undefined) tokens.set(pointer, token);
    }
    const sealed = changeSecrets(fields, (place) => {
      const { value: text, pointer, isPlainElsewhere } = place;
      const belongsTo = identityOf(place.owner);
      const former = stood.get(pointer);
      const isSame = former?.belongsTo === belongsTo;
      if (text === null || isBlank(text))
        return isSame && this.isOutOfReach(former.value) ? former.value : withoutMask(text);
      if (this.cipher.enabled) {
        if (!isPlainElsewhere) return this.cipher.encrypt(text);
        tokens.set(pointer, this.cipher.encrypt(JSON.stringify([belongsTo, text])));
        return emptied(place);
      }
      if (isSame && former.value === text) return text;
      if (isSame && this.cipher.decrypt(former.value) === text) return former.value;
      const formerToken = textsIn(formerTokens)[pointer];
      const isKept =
        formerToken !== undefined && isEqual(this.openPlace(formerToken), { value: text, belongsTo });
      if (isKept) tokens.set(pointer, formerToken);
      else remembered.set(pointer, { value: text, belongsTo, isEmptied: isPlainElsewhere });
      return isPlainElsewhere ? emptied(place) : MASK;
    });
    this.remember(file, remembered);
    return tokens.size === 0 ? sealed : { ...sealed, [ENCRYPTED_PLACES]: Object.fromEntries(tokens) };
  }

  /** Decrypts a token of `ENCRYPTED_PLACES`. Undefined if no key does. */
  private openPlace(token: string): HeldSecret | undefined {
    const text = this.cipher.decrypt(token);
    if (text === undefined) return undefined;
    const [belongsTo, value]: unknown[] = parsedList(text);
    return typeof belongsTo === 'string' && typeof value === 'string' ? { belongsTo, value } : undefined;
  }

  /**
   * Whether a stored text stands for a value that this process cannot read. No client has seen the value, so
   * no change by a client removes it.
   */
  private isOutOfReach(text: string): boolean {
    return text === MASK || (isToken(text) && this.cipher.decrypt(text) === undefined);
  }

  /** The file was renamed. */
  move(from: string, to: string): void {
    const secrets = this.memory.get(from);
    this.memory.delete(from);
    if (secrets) this.memory.set(to, secrets);
    else this.memory.delete(to);
  }

  /** The file was removed. */
  forget(file: string): void {
    this.memory.delete(file);
  }

  private remember(file: string, secrets: Map<string, HeldSecret>): void {
    if (secrets.size === 0) {
      this.memory.delete(file);
      return;
    }
    this.memory.set(file, secrets);
    this.warnOnce(
      `${file}: secrets are kept in memory only and are gone with this process, because OH_SECRET_KEY is not set`,
    );
  }

  private reportUnopened(file: string, pointers: readonly string[]): void {
    const what = this.cipher.enabled ? 'OH_SECRET_KEY has changed' : 'OH_SECRET_KEY is not set';
    this.warnOnce(
      `${file}: no key opens ${pointers.slice(0, MAX_REPORTED).join(', ')}; shown without a value and stored as before: ` +
        `${what} since they were stored; start the server with the former key`,
    );
  }

  private warnOnce(text: string): void {
    if (this.reported.has(text)) return;
    this.reported.add(text);
    this.logger.warn(text);
  }
}

/**
 * What the file has in place of an omitted secret: a URL keeps its `@`, a map loses the entry.
 */
function emptied({ isUserinfo }: SecretPlace): null | undefined {
  return isUserinfo ? null : undefined;
}

function isEqual(a: HeldSecret | undefined, b: HeldSecret): boolean {
  return a?.value === b.value && a.belongsTo === b.belongsTo;
}

function textsIn(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  const entries = Object.entries(value).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(entries);
}

function parsedList(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

/**
 * Copies an object and adds the omitted entries of maps, as null. Entries of objects that no longer exist are
 * ignored; only the map itself may be missing.
 */
function withPlaces(object: JsonObject, held: ReadonlyMap<string, HeldSecret>): JsonObject {
  const copy = structuredClone(object);
  for (const [pointer, { isEmptied }] of held) {
    if (!isEmptied || !IN_MAP.test(pointer)) continue;
    const names = parsePointer(pointer);
    const entry = names.pop();
    const map = names.pop();
    let owner: unknown = copy;
    for (const name of names)
      owner = isHolder(owner) && Object.hasOwn(owner, name) ? Reflect.get(owner, name) : undefined;
    if (entry === undefined || map === undefined || !isHolder(owner)) continue;
    const found: unknown = Object.hasOwn(owner, map) ? Reflect.get(owner, map) : undefined;
    const entries = isHolder(found) ? found : {};
    if (!Object.hasOwn(entries, entry)) define(entries, entry, null);
    if (entries !== found) define(owner, map, entries);
  }
  return copy;
}

function isHolder(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Defines an ordinary property, also of the name `__proto__`. */
function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { configurable: true, enumerable: true, writable: true, value });
}

/** The stored texts in the places of secrets, by JSON pointer. */
function textsOf(object: JsonObject): Map<string, HeldSecret> {
  const texts = new Map<string, HeldSecret>();
  changeSecrets(object, ({ pointer, value, owner }) => {
    if (value !== null) texts.set(pointer, { value, belongsTo: identityOf(owner) });
    return value;
  });
  return texts;
}

/**
 * Copies input of a client and replaces masked secrets by the stored values of their places. Those without a
 * stored value are omitted.
 */
export function restoreMasked(given: JsonObject, stored: JsonObject): JsonObject {
  const texts = textsOf(stored);
  return changeSecrets(given, ({ pointer, value }) => (value === MASK ? texts.get(pointer)?.value : value));
}

/** Copies an object with each secret as a token, which clients may send back. */
export function tokenSecrets(object: JsonObject, cipher: Cipher): JsonObject {
  return changeSecrets(object, ({ value }) => (isBlank(value) ? value : cipher.encrypt(value)));
}

/** Copies an object for a file without secrets: `**********` marks where there was one. */
export function withoutSecrets(object: JsonObject): JsonObject {
  return changeSecrets(object, (place) => {
    if (isBlank(place.value)) return place.value;
    return place.isPlainElsewhere ? emptied(place) : MASK;
  });
}
