import type { JsonObject } from '../json/index.js';
import { isToken, type Cipher } from './cipher.js';
import { MASK } from './mask.js';
import { changeSecrets, type SecretPlace } from './secret-places.js';
import { changeUserinfo, userinfoTexts } from './userinfo.js';

/**
 * A token that cannot be recreated: no key decrypts it, or only a previous key, which does not encrypt. It is
 * kept with the object that it was read from and written back with it, so that the secret is available again
 * when the right key is configured. `**********` is kept too: it records that there was a secret, stored
 * without a key.
 */
interface KeptToken {
  token: string;
  /** Identity of the secret's owner; a different owner in the same place does not get it. */
  belongsTo: string;
}

/** Tokens by JSON pointer. */
export type KeptTokens = ReadonlyMap<string, KeptToken>;

/** An object as read from disk, ready for use. */
interface DecryptedSecrets {
  /** Unavailable secrets are null, in maps too: treat such an entry as missing. */
  value: JsonObject;
  /** Pass them to `encryptSecrets` when the object is saved. */
  kept: KeptTokens;
  /** JSON pointers of secrets that no key decrypts. */
  unopened: string[];
  /** JSON pointers of secrets that were stored without a key and are lost. */
  lost: string[];
}

/** Input of a client, ready for use. */
export interface OpenedTokens {
  value: JsonObject;
  /**
   * JSON pointers of tokens that no key decrypts, in places where they can only be secrets of another server.
   */
  foreign: string[];
}

/**
 * Copies an object for storage. With a key each secret becomes a token, even if it looks like one; without a
 * key it becomes `**********` and is lost at the next start.
 * @param texts receives every secret text, as `secretTexts` returns them
 */
export function encryptSecrets(
  object: JsonObject,
  cipher: Cipher,
  kept: KeptTokens = new Map(),
  texts = new Set<string>(),
): JsonObject {
  return changeSecrets(object, (place) => {
    addTexts(place, texts);
    if (isBlank(place.value)) return keptTokenFor(place, kept) ?? withoutMask(place.value);
    if (!cipher.enabled) return keptTokenOf(place, kept, cipher) ?? MASK;
    return cipher.encrypt(place.value);
  });
}

/**
 * Copies an object with decrypted secrets. Text that is not a token counts as plain text, the mask as no
 * value. A token that no key decrypts is never returned as a value.
 */
export function decryptSecrets(object: JsonObject, cipher: Cipher): DecryptedSecrets {
  const kept = new Map<string, KeptToken>();
  const unopened: string[] = [];
  const lost: string[] = [];
  const value = changeSecrets(object, (place) => {
    if (place.value === MASK) {
      lost.push(place.pointer);
      kept.set(place.pointer, { token: MASK, belongsTo: identityOf(place.owner) });
    }
    if (isBlank(place.value)) return withoutMask(place.value);
    if (!isToken(place.value)) return place.value;
    const text = cipher.decrypt(place.value);
    if (text === undefined || !cipher.enabled) {
      kept.set(place.pointer, { token: place.value, belongsTo: identityOf(place.owner) });
    }
    if (text === undefined) unopened.push(place.pointer);
    return text ?? null;
  });
  return { value, kept, unopened, lost };
}

/** A token may have been encrypted again by a server that took it for the value: so often at most. */
const MAX_NESTED_TOKENS = 4;

/**
 * Copies an object that another server has stored: secrets that a key opens become plain text, others stay as
 * they are.
 */
export function openStored(
  object: JsonObject,
  cipher: Cipher,
): Pick<DecryptedSecrets, 'value' | 'unopened' | 'lost'> {
  const unopened: string[] = [];
  const lost: string[] = [];
  const value = changeSecrets(object, ({ value: stored, pointer }) => {
    if (stored === MASK) lost.push(pointer);
    if (isBlank(stored)) return stored;
    let text = stored;
    for (let depth = 0; depth < MAX_NESTED_TOKENS && isToken(text); depth += 1) {
      const inside = cipher.decrypt(text);
      if (inside === undefined) {
        unopened.push(pointer);
        return stored;
      }
      text = inside;
    }
    return text;
  });
  return { value, unopened, lost };
}

/**
 * Copies input of a client with decrypted secrets. Tokens of our keys are decrypted everywhere. Others are
 * ordinary texts (a secret may be a token of another system), except for credentials, which would be sent to
 * a provider. A blank or masked credential has no value.
 * @param encrypted the client declares its secrets to be tokens: any that no key decrypts is foreign
 */
export function openTokens(object: JsonObject, cipher: Cipher, encrypted = false): OpenedTokens {
  const foreign: string[] = [];
  const value = changeSecrets(object, ({ value: given, pointer, isCredential, hiddenAs }) => {
    if (isBlank(given)) return isCredential && hiddenAs === 'null' ? null : withoutMask(given);
    if (!isToken(given)) return given;
    const text = cipher.decrypt(given);
    if (text === undefined && (isCredential || encrypted)) foreign.push(pointer);
    return text ?? given;
  });
  return { value, foreign };
}

/**
 * Copies an object for the original, which reads some places as plain text: those are emptied, all other
 * secrets become tokens; without a key `**********`.
 */
export function sealForOriginal(object: JsonObject, cipher: Cipher): JsonObject {
  return changeSecrets(object, ({ value, isPlainElsewhere, isUserinfo }) => {
    if (isPlainElsewhere) return isUserinfo ? null : undefined;
    if (isBlank(value)) return withoutMask(value);
    return cipher.enabled ? cipher.encrypt(value) : MASK;
  });
}

/** Copies an object for event streams: each secret with a value becomes `**********`. */
export function maskSecrets(object: JsonObject): JsonObject {
  return changeSecrets(object, ({ value, hiddenAs }) => {
    if (value === null) return hiddenAs === 'null' ? null : undefined;
    return MASK;
  });
}

/**
 * Copies an object for answers: fields become null, named secrets `**********`; secret headers and variables
 * are omitted.
 */
export function hideSecrets(object: JsonObject): JsonObject {
  return changeSecrets(object, ({ value, hiddenAs }) => {
    if (hiddenAs === 'null') return null;
    return hiddenAs === 'mask' && value !== null ? MASK : undefined;
  });
}

/** All secret texts of an object, for masking them in output and logs. */
export function secretTexts(object: JsonObject): Set<string> {
  const texts = new Set<string>();
  changeSecrets(object, (place) => {
    addTexts(place, texts);
    return place.value;
  });
  return texts;
}

function addTexts({ value, isUserinfo }: SecretPlace, texts: Set<string>): void {
  if (!isBlank(value)) for (const text of isUserinfo ? userinfoTexts(value) : [value]) texts.add(text);
}

function keptTokenFor({ pointer, owner }: SecretPlace, kept: KeptTokens): string | undefined {
  const found = kept.get(pointer);
  return found?.belongsTo === identityOf(owner) ? found.token : undefined;
}

/** The token of a value that only a previous key decrypts, if the value is unchanged. */
function keptTokenOf(place: SecretPlace, kept: KeptTokens, cipher: Cipher): string | undefined {
  const token = keptTokenFor(place, kept);
  return token !== undefined && cipher.decrypt(token) === place.value ? token : undefined;
}

/** Identifies who receives the secret: a kept token must not be used for another provider or address. */
export function identityOf({ kind, model, base_url, url, command }: JsonObject): string {
  return JSON.stringify([kind, model, withoutUserinfo(base_url), withoutUserinfo(url), command]);
}

function withoutUserinfo(url: unknown): unknown {
  return typeof url === 'string' ? changeUserinfo(url, () => null) : url;
}

/** Whether there is no value: null, blank, or masked. */
export function isBlank(value: string | null): value is null | '' {
  return value === null || value.trim() === '' || value === MASK;
}

/** The mask is not a value; an empty text is kept as it was given. */
export function withoutMask(value: string | null): string | null {
  return value === MASK ? null : value;
}
