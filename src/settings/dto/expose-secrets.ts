import { BadRequestException, ForbiddenException, Logger, ServiceUnavailableException } from '@nestjs/common';
import { type KeyScope, type Principal, refusalOf } from '../../auth/index.js';
import { type Cipher, maskSecrets, tokenSecrets } from '../../crypto/index.js';
import type { JsonObject } from '../../json/index.js';

/** How secrets are returned in an answer. */
export type Exposure = 'redacted' | 'encrypted' | 'plaintext';

/** The header, for the API document. */
export const EXPOSE_HEADER = {
  'X-Expose-Secrets':
    '`plaintext` returns secrets in clear, `encrypted` (or `true`) as tokens that this server accepts in requests. ' +
    'By default they are masked. Needs a key with the scope `admin` for `plaintext`, `write` for `encrypted`.',
};

/** What a key needs to see secrets in clear, or in a form that agents can use. */
const NEEDS: Readonly<Record<Exclude<Exposure, 'redacted'>, KeyScope>> = {
  plaintext: 'admin',
  encrypted: 'write',
};

/** Follows the text of the original. */
const WITHOUT_KEY =
  'Start the server with OH_SECRET_KEY=KEY, where `openssl rand -hex 32` makes KEY once, or let the server itself serve ' +
  'the web UI (--ui): it then makes a key and keeps it.';

/**
 * Parses the `X-Expose-Secrets` header.
 * @throws BadRequestException; ForbiddenException if the key does not allow it;
 *   ServiceUnavailableException if no encryption key is configured
 */
export function parseExposure(header: string | undefined, cipher: Cipher, principal: Principal): Exposure {
  const exposure = readExposure(header, cipher);
  if (exposure === 'redacted') return exposure;
  const refusal = refusalOf(principal, { scope: NEEDS[exposure], own: false });
  if (refusal !== undefined) throw new ForbiddenException({ detail: refusal });
  return exposure;
}

function readExposure(header: string | undefined, cipher: Cipher): Exposure {
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
