import { ConversationClosedError, ConversationNotFoundError } from '../conversation-errors.js';

/** The state of an open conversation: open, ending, sealed. It ends once, by being closed or deleted. */
export class Lifecycle {
  /** Set when the end begins: from then on requests are rejected. */
  private ending: Promise<void> | undefined;
  private endsAs: 'closed' | 'deleted' = 'closed';
  private readonly closing = new AbortController();
  private isSealed = false;

  constructor(private readonly conversationId: string) {}

  /** Aborted when the end begins. */
  get closeSignal(): AbortSignal {
    return this.closing.signal;
  }

  get isEnding(): boolean {
    return this.ending !== undefined;
  }

  /** The log accepts no more events. */
  get sealed(): boolean {
    return this.isSealed;
  }

  /**
   * @throws ConversationClosedError, ConversationNotFoundError once the conversation is being closed or
   * deleted
   */
  assertOpen(): void {
    if (this.ending) throw this.closedError();
  }

  /** @throws as `assertOpen`, but only once the log is sealed: events of the end itself are still accepted */
  assertWritable(): void {
    if (this.isSealed) throw this.closedError();
  }

  /** No more events. */
  seal(): void {
    this.isSealed = true;
  }

  /**
   * Ends the conversation by `work`, unless it is ending already. Resolves when it has ended.
   * @throws ConversationClosedError when it should be deleted but is already being closed
   */
  async end(as: 'closed' | 'deleted', work: () => Promise<void>): Promise<void> {
    if (!this.ending) {
      this.endsAs = as;
      this.closing.abort(new ConversationClosedError());
      this.ending = work().finally(() => this.seal());
    }
    await this.ending;
    if (as === 'deleted' && this.endsAs === 'closed') throw new ConversationClosedError();
  }

  private closedError(): Error {
    return this.endsAs === 'deleted'
      ? new ConversationNotFoundError(this.conversationId)
      : new ConversationClosedError();
  }
}
