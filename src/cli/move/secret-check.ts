import { Cipher, isToken } from '../../crypto/index.js';
import type { AppConfig } from '../../config/index.js';
import { isJsonObject, tryParseJson } from '../../json/index.js';
import { CopyError } from '../copying/copy-error.js';
import type { StorageSide } from './storage-side.js';

/** So many conversations are looked at: all of a server have the same key. */
const MAX_CONVERSATIONS = 20;

/**
 * Makes sure that the secret key of the configuration decrypts what is stored: the servers of the target will
 * have it too. What was encrypted is moved as it is.
 * @throws CopyError if the key is another one, or if there is none and secrets are stored
 */
export async function assertSecretKey(from: StorageSide, config: AppConfig): Promise<void> {
  const cipher = new Cipher(config.secret_key, config.previous_secret_keys);
  const check = (place: string, value: unknown): void => {
    const token = firstToken(value);
    if (token === undefined || cipher.decrypt(token) !== undefined) return;
    throw new CopyError(
      config.secret_key === null
        ? `${place} has encrypted secrets, and there is no secret key: set OH_SECRET_KEY to that of the server`
        : `the secret key does not decrypt ${place}: set OH_SECRET_KEY to that of the server, or add the ` +
            'older one to OH_PREVIOUS_SECRET_KEYS',
    );
  };
  for (const name of await from.documents.list())
    check(from.documents.placeOf(name), tryParseJson((await from.documents.readText(name)) ?? ''));
  let left = MAX_CONVERSATIONS;
  for await (const id of from.ids()) {
    if (left-- === 0) return;
    check(`conversation ${id}`, await from.catalogue.load(id).catch(() => undefined));
  }
}

/** The first text in a value that has the form of an encrypted secret. */
function firstToken(value: unknown): string | undefined {
  const rest: unknown[] = [value];
  for (let next = rest.pop(); next !== undefined || rest.length > 0; next = rest.pop()) {
    if (typeof next === 'string' && isToken(next)) return next;
    if (Array.isArray(next)) rest.push(...(next as unknown[]));
    else if (isJsonObject(next)) rest.push(...Object.values(next));
  }
  return undefined;
}
