import { type Cipher, openTokens, restoreMasked } from '../../crypto/index.js';
import type { JsonObject } from '../../json/index.js';
import { RefusedSettingsError } from '../settings-errors.js';

/**
 * Restores the secrets in a request: masked ones get their stored values, tokens of this server are
 * decrypted.
 * @param stored the stored object; empty for a new one
 * @throws RefusedSettingsError for a token of another server: it must not be sent to a provider
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
