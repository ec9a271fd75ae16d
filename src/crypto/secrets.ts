import type { JsonObject } from '../json/index.js';
import { isToken, type Cipher } from './cipher.js';
import { MASK } from './mask.js';
import { changeSecrets, type SecretPlace } from './secret-places.js';
import { changeUserinfo, userinfoTexts } from './userinfo.js';

/**
 * A token that cannot be made again: no key opens it, or there is only a former key, which does not encrypt.
 * It is kept beside the object that it was read from and written back with it, so that the secret is there
 * again when the right key returns. `**********` is kept too: it says that there was a secret, stored without
 * a key.
 */
export interface KeptToken {
  token: string;
  /** What the secret belonged to; it is not given to something else that took its place. */
  belongsTo: string;
}

/** Tokens by the JSON pointer of their place. */
export type KeptTokens = ReadonlyMap<string, KeptToken>;

/** An object as read from disk, ready for use. */
export interface DecryptedSecrets {
  /** Secrets that cannot be had are null, in maps too: treat such an entry as if it were not there. */
  value: JsonObject;
  /** Hand them to `encryptSecrets` when the object is saved. */
  kept: KeptTokens;
  /** JSON pointers of those that no key opens. */
  unopened: string[];
  /** JSON pointers of those that were stored without a key: nothing brings them back. */
  lost: string[];
}

/** What a client has sent, ready for use. */
export interface OpenedTokens {
  value: JsonObject;
  /**
   * JSON pointers of tokens that no key opens, in places where they can be nothing but secrets of another
   * server.
   */
  foreign: string[];
}

/**
 * A copy for the disk. With a key each secret becomes a token, one that looks like a token, too; without a
 * key it becomes `**********` and is lost at the next start.
 * @param texts gets every secret text, as `secretTexts` tells them
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
 * A copy with secrets as plain texts. What is not a token counts as plain text, what is masked as no value. A
 * token that cannot be opened never comes out as a value.
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

/**
 * A copy of what a client has sent with secrets as plain texts. Tokens of our keys are opened wherever they
 * stand. Others are texts like any other (somebody's secret may be a token), except as a credential, which
 * would send it to a provider. A credential that is blank or masked has no value.
 * @param encrypted the client says that its secrets are tokens: any that no key opens is foreign
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

/** A copy for watchers: each secret that has a value shows as `**********`. */
export function maskSecrets(object: JsonObject): JsonObject {
  return changeSecrets(object, ({ value, hiddenAs }) => {
    if (value === null) return hiddenAs === 'null' ? null : undefined;
    return MASK;
  });
}

/**
 * A copy for answers: fields are null, named secrets `**********`, secret headers and variables are left out.
 */
export function hideSecrets(object: JsonObject): JsonObject {
  return changeSecrets(object, ({ value, hiddenAs }) => {
    if (hiddenAs === 'null') return null;
    return hiddenAs === 'mask' && value !== null ? MASK : undefined;
  });
}

/** Every secret text in an object, for masking it in outputs and logs. */
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

/** The token of a value that only a former key opened, as long as it has that value. */
function keptTokenOf(place: SecretPlace, kept: KeptTokens, cipher: Cipher): string | undefined {
  const token = keptTokenFor(place, kept);
  return token !== undefined && cipher.decrypt(token) === place.value ? token : undefined;
}

/** Who would receive the secret: a token must not come back to life for another provider or address. */
export function identityOf({ kind, model, base_url, url, command }: JsonObject): string {
  return JSON.stringify([kind, model, withoutUserinfo(base_url), withoutUserinfo(url), command]);
}

function withoutUserinfo(url: unknown): unknown {
  return typeof url === 'string' ? changeUserinfo(url, () => null) : url;
}

/** No value: null, blank, or masked. */
export function isBlank(value: string | null): value is null | '' {
  return value === null || value.trim() === '' || value === MASK;
}

/** Null for the mask, which is no value itself. An empty text is a value. */
export function withoutMask(value: string | null): string | null {
  return value === MASK ? null : value;
}
