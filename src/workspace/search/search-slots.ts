import { DomainError } from '../../errors/index.js';

/** Too many searches run. */
class TooManySearchesError extends DomainError {
  override readonly name = 'TooManySearchesError';
  readonly kind = 'limit-reached';
}

/** Searches that may run at the same time in the whole server: each has a process with two threads. */
const MAX_IN_SERVER = 8;
/** Searches of one key. Clients that search while somebody types end the previous search. */
const MAX_OF_KEY = 4;

/** Counts the searches that run. */
export class SearchSlots {
  private readonly ofKeys = new Map<string, number>();
  private running = 0;

  /** How many searches run. */
  get size(): number {
    return this.running;
  }

  /**
   * Counts a search of a key until the returned function is called, once.
   * @throws TooManySearchesError
   */
  take(keyId: string): () => void {
    const own = this.ofKeys.get(keyId) ?? 0;
    if (own >= MAX_OF_KEY)
      throw new TooManySearchesError(`${MAX_OF_KEY} searches of this key run already: try again later`);
    if (this.running >= MAX_IN_SERVER)
      throw new TooManySearchesError(`${MAX_IN_SERVER} searches run on this server already: try again later`);
    this.running += 1;
    this.ofKeys.set(keyId, own + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.running -= 1;
      const left = (this.ofKeys.get(keyId) ?? 1) - 1;
      if (left > 0) this.ofKeys.set(keyId, left);
      else this.ofKeys.delete(keyId);
    };
  }
}
