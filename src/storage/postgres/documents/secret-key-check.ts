import { Logger } from '@nestjs/common';
import { type AppConfig, ConfigError } from '../../../config/index.js';
import { Cipher } from '../../../crypto/index.js';
import { asText } from '../../../json/index.js';
import type { Documents } from '../../documents.js';

/** Not a document of the user: another database gets its own. */
const NAME = 'server/secret-key.json';
/** What the stored token contains. */
const PROOF = 'openhands-agent-server';

type Keys = Pick<AppConfig, 'secret_key' | 'previous_secret_keys' | 'origin'>;

/**
 * Makes sure that all servers of a database have the same secret key: the database contains a token that was
 * encrypted with it. A server whose key is new and that knows the former one replaces the token.
 * @throws ConfigError if no key of this server opens the token
 */
export async function checkSecretKey(documents: Documents, keys: Keys): Promise<void> {
  const { secret_key: key } = keys;
  const stored = await storedToken(documents);
  if (key === null) {
    if (stored !== undefined) throw anotherKey(keys);
    new Logger('Secrets').warn(
      'OH_SECRET_KEY is not set: secrets of settings stay in the memory of this server, where other servers of the database do not see them',
    );
    return;
  }
  if (stored !== undefined && opens(new Cipher(key), stored)) return;
  await documents.change(async (writer) => {
    // Servers that start together: the first one decides.
    const token = await storedToken(documents);
    if (token !== undefined && opens(new Cipher(key), token)) return;
    if (token !== undefined && !opens(new Cipher(key, keys.previous_secret_keys), token))
      throw anotherKey(keys);
    await writer.write(NAME, { token: new Cipher(key).encrypt(PROOF) });
    if (token !== undefined) new Logger('Secrets').log('the database has a new secret key from now on');
  });
}

/** Undefined for a database without servers so far. @throws DamagedDocumentError */
async function storedToken(documents: Documents): Promise<string | undefined> {
  const stored = await documents.read(NAME);
  return stored && (asText(stored['token']) ?? '');
}

function opens(cipher: Cipher, token: string): boolean {
  return cipher.decrypt(token) === PROOF;
}

function anotherKey({ secret_key, origin }: Keys): ConfigError {
  const expected =
    'the key of the other servers of the database, or that key in previous_secret_keys (OH_PREVIOUS_SECRET_KEYS)';
  const found = secret_key === null ? 'no key' : 'a key that does not open their secrets';
  const source = origin.sourceOf('secret_key').name ?? 'OH_SECRET_KEY is not set';
  return new ConfigError([{ path: 'secret_key', expected, found, source }]);
}
