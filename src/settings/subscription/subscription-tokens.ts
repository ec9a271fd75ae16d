import { Logger } from '@nestjs/common';
import type { FileSecrets, KnownSecrets } from '../../crypto/index.js';
import { errorMessage } from '../../errors/index.js';
import type { JsonObject } from '../../json/index.js';
import { type DocumentWriter, type Documents } from '../../storage/index.js';
import type { SubscriptionTokens } from './openai-issuer.js';

/**
 * The file of the original, in clear: it would send an encrypted token to OpenAI.
 */
const SHARED_FILE = 'auth/openai_oauth.json';
/** The file of this server, encrypted. */
const OWN_FILE = 'auth/openai_oauth.sealed.json';
/** The `vendor` in these files. */
export const VENDOR = 'openai';

/** A stored sign-in and its file. */
interface StoredSignIn extends SubscriptionTokens {
  file: typeof OWN_FILE | typeof SHARED_FILE;
}

/**
 * Stores the tokens of a sign-in. Those of this server are encrypted; without a secret key they are kept in
 * memory only. Without a sign-in of its own, the server uses that of another program. Renewed tokens are then
 * written to that program's file: a refresh token is valid once, and the program would be signed out.
 */
export class TokenStore {
  private readonly logger = new Logger('Subscription');

  constructor(
    private readonly documents: Documents,
    private readonly secrets: FileSecrets,
    private readonly known: KnownSecrets,
  ) {}

  /** @throws StorageFailedError, DamagedDocumentError */
  async read(): Promise<StoredSignIn | undefined> {
    return (await this.own()) ?? toStoredTokens(SHARED_FILE, await this.shared());
  }

  /** Stores a new or renewed sign-in. */
  async save(
    writer: DocumentWriter,
    tokens: SubscriptionTokens,
    file: StoredSignIn['file'] = OWN_FILE,
  ): Promise<void> {
    const { accessToken, refreshToken, expiresAt } = tokens;
    this.known.add([accessToken, refreshToken]);
    const value = {
      ...{ type: 'oauth', vendor: VENDOR },
      ...{ access_token: accessToken, refresh_token: refreshToken, expires_at: expiresAt },
    };
    const isOwn = file === OWN_FILE;
    await writer.write(file, isOwn ? this.secrets.seal(this.documents.placeOf(OWN_FILE), value) : value);
  }

  /** Removes all sign-ins. */
  async remove(writer: DocumentWriter): Promise<void> {
    for (const file of [OWN_FILE, SHARED_FILE]) await writer.remove(file);
    this.secrets.forget(this.documents.placeOf(OWN_FILE));
  }

  /** An unreadable sign-in is ignored; the next one replaces it. */
  private async own(): Promise<StoredSignIn | undefined> {
    try {
      const stored = await this.documents.read(OWN_FILE);
      return (
        stored && toStoredTokens(OWN_FILE, this.secrets.open(this.documents.placeOf(OWN_FILE), stored).value)
      );
    } catch (error) {
      this.logger.warn(`the sign-in of this server cannot be read: ${errorMessage(error)}`);
      return undefined;
    }
  }

  private async shared(): Promise<JsonObject | undefined> {
    const stored = await this.documents.read(SHARED_FILE);
    const { access_token, refresh_token } = stored ?? {};
    this.known.add([access_token, refresh_token].filter((token) => typeof token === 'string'));
    return stored;
  }
}

function toStoredTokens(
  file: StoredSignIn['file'],
  stored: JsonObject | undefined,
): StoredSignIn | undefined {
  const { vendor, access_token, refresh_token, expires_at } = stored ?? {};
  const hasTokens = typeof access_token === 'string' && typeof refresh_token === 'string';
  if (vendor !== VENDOR || !hasTokens || typeof expires_at !== 'number') return undefined;
  return { accessToken: access_token, refreshToken: refresh_token, expiresAt: expires_at, file };
}
