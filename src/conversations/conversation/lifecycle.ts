import { ConversationClosedError, ConversationNotFoundError } from '../conversation-errors.js';

/** Where an open conversation stands between its opening and its end. It ends once: closed, or removed. */
export class Lifecycle {
  /** Set when it begins to end: from then on nobody's request is taken. */
  private ending: Promise<void> | undefined;
  private endsAs: 'closed' | 'removed' = 'closed';
  private readonly left = new AbortController();
  private isSealed = false;

  constructor(private readonly conversationId: string) {}

  /** Aborted when it begins to end: what is done beside the runs ends, too. */
  get closeSignal(): AbortSignal {
    return this.left.signal;
  }

  get isEnding(): boolean {
    return this.ending !== undefined;
  }

  /** The log takes nothing more. */
  get sealed(): boolean {
    return this.isSealed;
  }

  /** @throws ConversationClosedError, ConversationNotFoundError once it is being closed or removed */
  assertOpen(): void {
    if (this.ending) throw this.gone();
  }

  /** @throws as `assertOpen`, but only when it has said its last word */
  assertWritable(): void {
    if (this.isSealed) throw this.gone();
  }

  /** The last word is said. */
  seal(): void {
    this.isSealed = true;
  }

  /**
   * Ends it by `work`, unless it ends already. Resolves when it has ended, whoever began.
   * @throws ConversationClosedError when it was to be removed and is only closed: that has begun before
   */
  async end(as: 'closed' | 'removed', work: () => Promise<void>): Promise<void> {
    if (!this.ending) {
      this.endsAs = as;
      this.left.abort(new ConversationClosedError());
      this.ending = work().finally(() => this.seal());
    }
    await this.ending;
    if (as === 'removed' && this.endsAs === 'closed') throw new ConversationClosedError();
  }

  private gone(): Error {
    return this.endsAs === 'removed'
      ? new ConversationNotFoundError(this.conversationId)
      : new ConversationClosedError();
  }
}
