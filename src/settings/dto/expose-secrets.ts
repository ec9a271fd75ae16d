import { BadRequestException, ServiceUnavailableException } from '@nestjs/common';
import { type Cipher, maskSecrets, tokenSecrets } from '../../crypto/index.js';
import type { JsonObject } from '../../json/index.js';

/** How secrets look in an answer. */
export type Exposure = 'redacted' | 'encrypted' | 'plaintext';

/** For the API document. */
export const EXPOSE_HEADER = {
  'X-Expose-Secrets':
    '`plaintext` answers secrets as they are, `encrypted` (also `true`) as tokens that this server takes back; ' +
    'without it they are masked.',
};

/**
 * What `X-Expose-Secrets` asks for.
 * @throws BadRequestException; ServiceUnavailableException where there is no key to encrypt with
 */
export function exposureOf(header: string | undefined, cipher: Cipher): Exposure {
  const asked = header?.trim().toLowerCase() ?? '';
  if (asked === '') return 'redacted';
  if (asked === 'plaintext') return 'plaintext';
  if (asked !== 'encrypted' && asked !== 'true') {
    throw new BadRequestException(
      `Invalid X-Expose-Secrets header value: '${(header ?? '').slice(0, 100)}'. Valid values are: 'encrypted', 'plaintext'.`,
    );
  }
  if (cipher.enabled) return 'encrypted';
  throw new ServiceUnavailableException(
    'Encryption not available: OH_SECRET_KEY is not configured. Cannot return encrypted secrets.',
  );
}

/** A copy with its secrets as they are asked for. */
export function exposed(object: JsonObject, exposure: Exposure, cipher: Cipher): JsonObject {
  if (exposure === 'plaintext') return object;
  return exposure === 'encrypted' ? tokenSecrets(object, cipher) : maskSecrets(object);
}
