import { Logger } from '@nestjs/common';
import type { FileSecrets, KnownSecrets } from '../../crypto/index.js';
import { errorMessage } from '../../errors/index.js';
import type { JsonObject } from '../../json/index.js';
import type { FolderWriter, PersistenceFolder } from '../store/persistence-folder.js';
import type { SubscriptionTokens } from './openai-issuer.js';

/**
 * Where the original keeps a sign-in, in the clear: it takes nothing else, and would send a token of ours to
 * OpenAI.
 */
const SHARED = 'auth/openai_oauth.json';
/** Where this server keeps one of its own, encrypted. */
const OWN = 'auth/openai_oauth.sealed.json';
/** The name of those files for whose it is. */
export const VENDOR = 'openai';

/** A sign-in that is kept, and in which file. */
export interface KeptTokens extends SubscriptionTokens {
  file: typeof OWN | typeof SHARED;
}

/**
 * The tokens of a sign-in. Those of this server are encrypted; without a secret key they are kept in memory
 * only. Those of another program are used where there are none of ours, and stay in its file and form when
 * they are renewed: a refresh token is good once, and that program would be signed out.
 */
export class StoredTokens {
  private readonly logger = new Logger('Subscription');

  constructor(
    private readonly folder: PersistenceFolder,
    private readonly secrets: FileSecrets,
    private readonly known: KnownSecrets,
  ) {}

  /** @throws StorageFailedError, DamagedFileError */
  async read(): Promise<KeptTokens | undefined> {
    return (await this.own()) ?? kept(SHARED, await this.shared());
  }

  /** Keeps a new sign-in, or a renewed one in its place. */
  async save(
    writer: FolderWriter,
    tokens: SubscriptionTokens,
    file: KeptTokens['file'] = OWN,
  ): Promise<void> {
    const { accessToken, refreshToken, expiresAt } = tokens;
    this.known.add([accessToken, refreshToken]);
    const value = {
      ...{ type: 'oauth', vendor: VENDOR },
      ...{ access_token: accessToken, refresh_token: refreshToken, expires_at: expiresAt },
    };
    const isOwn = file === OWN;
    await writer.write(file, isOwn ? this.secrets.seal(this.folder.path(OWN), value) : value);
  }

  /** Forgets all. */
  async remove(writer: FolderWriter): Promise<void> {
    for (const file of [OWN, SHARED]) await writer.remove(file);
    this.secrets.forget(this.folder.path(OWN));
  }

  /** One that cannot be read is none; the next sign-in takes its place. */
  private async own(): Promise<KeptTokens | undefined> {
    try {
      const stored = await this.folder.read(OWN);
      return stored && kept(OWN, this.secrets.open(this.folder.path(OWN), stored).value);
    } catch (error) {
      this.logger.warn(`the sign-in of this server cannot be read: ${errorMessage(error)}`);
      return undefined;
    }
  }

  private async shared(): Promise<JsonObject | undefined> {
    const stored = await this.folder.read(SHARED);
    const { access_token, refresh_token } = stored ?? {};
    this.known.add([access_token, refresh_token].filter((token) => typeof token === 'string'));
    return stored;
  }
}

function kept(file: KeptTokens['file'], stored: JsonObject | undefined): KeptTokens | undefined {
  const { vendor, access_token, refresh_token, expires_at } = stored ?? {};
  const isWhole = typeof access_token === 'string' && typeof refresh_token === 'string';
  if (vendor !== VENDOR || !isWhole || typeof expires_at !== 'number') return undefined;
  return { accessToken: access_token, refreshToken: refresh_token, expiresAt: expires_at, file };
}
