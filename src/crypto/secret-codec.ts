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

/** A conversation's metadata or a part of a request. Metadata have an `id`. */
type Document = Record<string, unknown>;

const WHY_LOST =
  'it was stored while OH_SECRET_KEY was not set, so it was lost with the restart; set OH_SECRET_KEY and give it again';

/**
 * The one way of a conversation's secrets: from a request, to disk and back, and to clients. Remembers for
 * each conversation the tokens that no key decrypts, so that saving the conversation keeps them, and logs
 * once which secrets those are.
 */
@Injectable()
export class SecretCodec {
  private readonly logger = new Logger('Secrets');
  private readonly kept = new Map<string, KeptTokens>();
  /** The keys of conversations that other servers store with keys of their own. */
  private readonly ciphers = new Map<string, Cipher>();
  /** Why secrets have no value, by conversation and JSON pointer. */
  private readonly missing = new Map<string, ReadonlyMap<string, string>>();

  constructor(
    private readonly cipher: Cipher,
    private readonly known: KnownSecrets,
  ) {}

  /** From now on the stored secrets of a conversation are read with a key of its own; undefined: no more. */
  useKey(id: string, secretKey: string | undefined): void {
    if (secretKey === undefined) this.ciphers.delete(id);
    else this.ciphers.set(id, new Cipher(secretKey));
  }

  /** Metadata as they are written to disk. */
  encrypt(metadata: Document): Document {
    const texts = new Set<string>();
    const encrypted = encryptSecrets(metadata, this.cipher, this.kept.get(String(metadata['id'])), texts);
    this.known.add(texts);
    return encrypted;
  }

  /** Metadata that were read from disk. Secrets that cannot be decrypted are null. */
  decrypt(metadata: Document): Document {
    const id = String(metadata['id']);
    const { value, kept, unopened, lost } = decryptSecrets(metadata, this.ciphers.get(id) ?? this.cipher);
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
        ...unopened.map((pointer) => [pointer, this.whyUnopened] as const),
        ...lost.map((pointer) => [pointer, WHY_LOST] as const),
      ]),
    );
    return value;
  }

  /**
   * A part of a request, with tokens of this server's keys decrypted.
   * @param encrypted whether the client says that all of its secrets are tokens
   */
  decryptTokens(value: Document, encrypted = false): OpenedTokens {
    return openTokens(value, this.cipher, encrypted);
  }

  /** For events: each secret as `**********`. */
  mask(value: Document): Document {
    return maskSecrets(value);
  }

  /** For answers: secrets as null. */
  hide(value: Document): Document {
    return hideSecrets(value);
  }

  /** Why a stored secret has no value, and what to do about it; undefined for a secret that was not lost. */
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
}
