import { type Cipher, openTokens, restoreMasked } from '../../crypto/index.js';
import type { JsonObject } from '../../json/index.js';
import { RefusedSettingsError } from '../settings-errors.js';

/**
 * What a client has sent, with its secrets: those that came back masked have the values that are stored,
 * tokens of this server are opened.
 * @param stored what it is about, as it is stored; empty for something new
 * @throws RefusedSettingsError for a token of another server: no provider may get it
 */
export function decryptSettingsSecrets(given: JsonObject, stored: JsonObject, cipher: Cipher): JsonObject {
  const { value, foreign } = openTokens(restoreMasked(given, stored), cipher);
  const [pointer] = foreign;
  if (pointer === undefined) return value;
  throw new RefusedSettingsError(
    `${pointer.slice(1).replaceAll('/', '.')} is an encrypted token that no key of this server opens; send the secret ` +
      'itself, or set OH_SECRET_KEY or OH_PREVIOUS_SECRET_KEYS to the key that made it',
  );
}
