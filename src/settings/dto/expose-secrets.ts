import { BadRequestException, Logger, ServiceUnavailableException } from '@nestjs/common';
import { type Cipher, maskSecrets, tokenSecrets } from '../../crypto/index.js';
import type { JsonObject } from '../../json/index.js';

/** How secrets are returned in an answer. */
export type Exposure = 'redacted' | 'encrypted' | 'plaintext';

/** The header, for the API document. */
export const EXPOSE_HEADER = {
  'X-Expose-Secrets':
    '`plaintext` returns secrets in clear, `encrypted` (or `true`) as tokens that this server accepts in requests. ' +
    'By default they are masked.',
};

/** Follows the text of the original. */
const WITHOUT_KEY =
  'Start the server with OH_SECRET_KEY=KEY, where `openssl rand -hex 32` makes KEY once, or let the server itself serve ' +
  'the web UI (--ui): it then makes a key and keeps it.';

/**
 * Parses the `X-Expose-Secrets` header.
 * @throws BadRequestException; ServiceUnavailableException if no encryption key is configured
 */
export function parseExposure(header: string | undefined, cipher: Cipher): Exposure {
  const value = header?.trim().toLowerCase() ?? '';
  if (value === '') return 'redacted';
  if (value === 'plaintext') return 'plaintext';
  if (value !== 'encrypted' && value !== 'true') {
    throw new BadRequestException(
      `Invalid X-Expose-Secrets header value: '${(header ?? '').slice(0, 100)}'. Valid values are: 'encrypted', 'plaintext'.`,
    );
  }
  if (cipher.enabled) return 'encrypted';
  new Logger('Secrets').warn(`a client asked for encrypted secrets, as the web UI does. ${WITHOUT_KEY}`);
  throw new ServiceUnavailableException(
    `Encryption not available: OH_SECRET_KEY is not configured. Cannot return encrypted secrets. ${WITHOUT_KEY}`,
  );
}

/** Returns a copy whose secrets are masked, encrypted or in clear. */
export function exposeSecrets(object: JsonObject, exposure: Exposure, cipher: Cipher): JsonObject {
  if (exposure === 'plaintext') return object;
  return exposure === 'encrypted' ? tokenSecrets(object, cipher) : maskSecrets(object);
}
