import { Injectable, Logger } from '@nestjs/common';
import { Cipher, isToken } from './cipher.js';
import { KnownSecrets } from './known-secrets.js';
import { MASK } from './mask.js';
import { changeSecrets, type SecretPlace } from './secret-places.js';
import { identityOf, isBlank, secretTexts } from './secrets.js';

type JsonRecord = Record<string, unknown>;

/** A file as it was read, with its secrets. */
export interface OpenedFile {
  /** Secrets in clear; those that cannot be had are null. */
  value: JsonRecord;
  /** What stands in the file. */
  stored: JsonRecord;
  /** JSON pointers of secrets that no key opens. */
  unopened: string[];
}

interface HeldSecret {
  value: string;
  belongsTo: string;
}

/**
 * Where other programs that share these files keep plain texts: headers, bodies and URLs of models. With a key they stay
 * plain, or those programs would send tokens to providers.
 */
const SHARED_AS_TEXT = /\/(extra_headers|litellm_extra_body)\//;

/**
 * Secrets of files that are shared with other programs: a Fernet token in the place of each. Without a key a secret is
 * not written at all: `**********` stands in its place, and this process remembers it until it ends. What another program
 * has already written in the clear stays as it is as long as it is the same.
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

  /** Opens what was read from a file. */
  open(file: string, stored: JsonRecord): OpenedFile {
    const unopened: string[] = [];
    const value = changeSecrets(stored, (place) => {
      const { value: text, pointer } = place;
      // A header without a value is no header.
      if (text === MASK) return this.held(file, place) ?? (this.isText(place) ? undefined : null);
      if (isBlank(text) || !isToken(text) || this.isText(place)) return text;
      const opened = this.cipher.decrypt(text);
      if (opened === undefined) unopened.push(pointer);
      return opened ?? null;
    });
    this.known.add(secretTexts(value));
    return { value, stored, unopened };
  }

  /**
   * What may stand in a file.
   * @param before the same file as it was; undefined for a new one
   */
  seal(file: string, value: JsonRecord, before?: JsonRecord): JsonRecord {
    this.known.add(secretTexts(value));
    const stood = before === undefined ? new Map<string, HeldSecret>() : textsOf(before);
    const remembered = new Map<string, HeldSecret>();
    const sealed = changeSecrets(value, (place) => {
      const { value: text, pointer } = place;
      const belongsTo = identityOf(place.owner);
      const former = stood.get(pointer);
      const isSame = former?.belongsTo === belongsTo;
      if (text === null || isBlank(text))
        return isSame && this.isOutOfReach(former.value) ? former.value : withoutMask(text);
      if (this.cipher.enabled) return this.isText(place) ? text : this.cipher.encrypt(text);
      if (isSame && former.value === text) return text;
      if (isSame && this.cipher.decrypt(former.value) === text) return former.value;
      remembered.set(pointer, { value: text, belongsTo });
      return MASK;
    });
    this.remember(file, remembered);
    return sealed;
  }

  /** It stands for a value that others have: another process, or whoever has the key. No client saw it, so none removes it. */
  private isOutOfReach(text: string): boolean {
    return text === MASK || (isToken(text) && this.cipher.decrypt(text) === undefined);
  }

  /** What was remembered for one file is now of another one. */
  move(from: string, to: string): void {
    const secrets = this.memory.get(from);
    this.memory.delete(from);
    if (secrets) this.memory.set(to, secrets);
    else this.memory.delete(to);
  }

  /** The file is gone. */
  forget(file: string): void {
    this.memory.delete(file);
  }

  private remember(file: string, secrets: Map<string, HeldSecret>): void {
    if (secrets.size === 0) {
      this.memory.delete(file);
      return;
    }
    this.memory.set(file, secrets);
    if (this.reported.has(file)) return;
    this.reported.add(file);
    this.logger.warn(
      `${file}: secrets are kept in memory only and are gone with this process, because OH_SECRET_KEY is not set`,
    );
  }

  private held(file: string, place: SecretPlace): string | null {
    const found = this.memory.get(file)?.get(place.pointer);
    return found?.belongsTo === identityOf(place.owner) ? found.value : null;
  }

  private isText({ pointer, isUserinfo }: SecretPlace): boolean {
    return isUserinfo || SHARED_AS_TEXT.test(pointer);
  }
}

/** The mask is no value itself. */
function withoutMask(value: string | null): string | null {
  return value === MASK ? null : value;
}

/** What stands in the places of secrets, by JSON pointer. */
function textsOf(object: JsonRecord): Map<string, HeldSecret> {
  const texts = new Map<string, HeldSecret>();
  changeSecrets(object, ({ pointer, value, owner }) => {
    if (value !== null) texts.set(pointer, { value, belongsTo: identityOf(owner) });
    return value;
  });
  return texts;
}

/**
 * A copy of what a client has sent in which masked secrets have the values that are stored in their places; where there
 * is none they are left out.
 */
export function restoreMasked(given: JsonRecord, stored: JsonRecord): JsonRecord {
  const texts = textsOf(stored);
  return changeSecrets(given, ({ pointer, value }) => (value === MASK ? texts.get(pointer)?.value : value));
}

/** A copy with each secret as a token, wherever it stands; texts that are shared as such stay. */
export function tokenSecrets(object: JsonRecord, cipher: Cipher): JsonRecord {
  return changeSecrets(object, ({ value, pointer, isUserinfo }) =>
    isBlank(value) || isUserinfo || SHARED_AS_TEXT.test(pointer) ? value : cipher.encrypt(value),
  );
}

/** A copy in which `**********` says where there was a secret, for a file that is kept without them. */
export function withoutSecrets(object: JsonRecord): JsonRecord {
  return changeSecrets(object, ({ value }) => (isBlank(value) ? value : MASK));
}
