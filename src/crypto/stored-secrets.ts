import { Injectable, Logger } from '@nestjs/common';
import { Cipher } from './cipher.js';
import { KnownSecrets } from './known-secrets.js';
import {
  decryptSecrets,
  encryptSecrets,
  hideSecrets,
  maskSecrets,
  secretTexts,
  type KeptTokens,
} from './secrets.js';

/** A stored object: it is known by its id. */
type Stored = Record<string, unknown>;

/**
 * The secrets of stored conversations. Remembers for each conversation the tokens that no key opened, so that saving it
 * keeps them, and says once which secrets those are.
 */
@Injectable()
export class StoredSecrets {
  private readonly logger = new Logger('Secrets');
  private readonly kept = new Map<string, KeptTokens>();

  constructor(
    private readonly cipher: Cipher,
    private readonly known: KnownSecrets,
  ) {}

  /** What may stand on disk. */
  seal(metadata: Stored): Stored {
    this.known.add(secretTexts(metadata));
    return encryptSecrets(metadata, this.cipher, this.kept.get(String(metadata['id'])));
  }

  /** What was read from disk, with its secrets; those that cannot be had are null. */
  open(metadata: Stored): Stored {
    const id = String(metadata['id']);
    const { value, kept, unopened } = decryptSecrets(metadata, this.cipher);
    this.known.add(secretTexts(value));
    if (kept.size === 0) {
      this.kept.delete(id);
      return value;
    }
    if (unopened.length > 0 && !this.kept.has(id)) {
      this.logger.warn(
        `conversation ${id}: no key opens ${unopened.join(', ')}; stored as before, without a value`,
      );
    }
    this.kept.set(id, kept);
    return value;
  }

  /** What a client has sent, with the tokens of our keys opened; a token of no key of ours has no value. */
  reveal(value: Stored): Stored {
    return decryptSecrets(value, this.cipher).value;
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
