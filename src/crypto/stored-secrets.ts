import { Injectable, Logger } from '@nestjs/common';
import { Cipher } from './cipher.js';
import { KnownSecrets } from './known-secrets.js';
import {
  decryptSecrets,
  encryptSecrets,
  hideSecrets,
  maskSecrets,
  openTokens,
  secretTexts,
  type KeptTokens,
  type OpenedTokens,
} from './secrets.js';

/** A stored object with an `id`. */
type Stored = Record<string, unknown>;

const WHY_LOST =
  'it was stored while OH_SECRET_KEY was not set, so it was lost with the restart; set OH_SECRET_KEY and give it again';

/**
 * Encrypts and decrypts the secrets of stored conversations. Keeps the tokens that no key decrypts, so that
 * saving a conversation writes them back, and logs once which secrets those are.
 */
@Injectable()
export class StoredSecrets {
  private readonly logger = new Logger('Secrets');
  private readonly kept = new Map<string, KeptTokens>();
  /** Why secrets have no value, by conversation and JSON pointer. */
  private readonly missing = new Map<string, ReadonlyMap<string, string>>();

  constructor(
    private readonly cipher: Cipher,
    private readonly known: KnownSecrets,
  ) {}

  /** Encrypts the secrets for storage. */
  seal(metadata: Stored): Stored {
    const texts = new Set<string>();
    const sealed = encryptSecrets(metadata, this.cipher, this.kept.get(String(metadata['id'])), texts);
    this.known.add(texts);
    return sealed;
  }

  /** Decrypts what was read from storage; unavailable secrets are null. */
  open(metadata: Stored): Stored {
    const id = String(metadata['id']);
    const { value, kept, unopened, lost } = decryptSecrets(metadata, this.cipher);
    this.known.add(secretTexts(value));
    if (kept.size === 0) {
      this.kept.delete(id);
      this.missing.delete(id);
      return value;
    }
    if (!this.kept.has(id)) this.report(id, unopened, lost);
    this.kept.set(id, kept);
    this.missing.set(
      id,
      new Map([
        ...unopened.map((at) => [at, this.whyUnopened] as const),
        ...lost.map((at) => [at, WHY_LOST] as const),
      ]),
    );
    return value;
  }

  /**
   * Decrypts the tokens of our keys in input of a client.
   * @param encrypted the client declares its secrets to be tokens
   */
  reveal(value: Stored, encrypted = false): OpenedTokens {
    return openTokens(value, this.cipher, encrypted);
  }

  /** Why a stored secret has no value, and what to do. Undefined if it was not lost. */
  whyMissing(id: string, pointer: string): string | undefined {
    return this.missing.get(id)?.get(pointer);
  }

  private report(id: string, unopened: readonly string[], lost: readonly string[]): void {
    if (unopened.length > 0) {
      this.logger.warn(
        `conversation ${id}: no key opens ${unopened.join(', ')}; stored as before, without a value: ${this.whyUnopened}`,
      );
    }
    if (lost.length > 0) this.logger.warn(`conversation ${id}: no value for ${lost.join(', ')}: ${WHY_LOST}`);
  }

  private get whyUnopened(): string {
    const what = this.cipher.enabled ? 'OH_SECRET_KEY has changed' : 'OH_SECRET_KEY is not set';
    return `${what} since it was stored; start the server with the former key, or give it again`;
  }

  /** For event streams: secrets become `**********`. */
  mask(value: Stored): Stored {
    return maskSecrets(value);
  }

  /** For answers: secrets become null. */
  hide(value: Stored): Stored {
    return hideSecrets(value);
  }
}
