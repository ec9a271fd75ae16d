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

/** A stored object: it is known by its id. */
type Stored = Record<string, unknown>;

const WHY_LOST =
  'it was stored while OH_SECRET_KEY was not set, so it was lost with the restart; set OH_SECRET_KEY and give it again';

/**
 * The secrets of stored conversations. Remembers for each conversation the tokens that no key opened, so that
 * saving it keeps them, and says once which secrets those are.
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

  /** What may stand on disk. */
  seal(metadata: Stored): Stored {
    const texts = new Set<string>();
    const sealed = encryptSecrets(metadata, this.cipher, this.kept.get(String(metadata['id'])), texts);
    this.known.add(texts);
    return sealed;
  }

  /** What was read from disk, with its secrets; those that cannot be had are null. */
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
   * What a client has sent, with the tokens of our keys opened.
   * @param encrypted the client says that its secrets are tokens
   */
  reveal(value: Stored, encrypted = false): OpenedTokens {
    return openTokens(value, this.cipher, encrypted);
  }

  /** Why a stored secret has no value, and what to do; undefined when it was not lost. */
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

  /** What watchers see: `**********`. */
  mask(value: Stored): Stored {
    return maskSecrets(value);
  }

  /** What answers show: null. */
  hide(value: Stored): Stored {
    return hideSecrets(value);
  }
}
