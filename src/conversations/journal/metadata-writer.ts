import { utcTimestamp } from '../../events/index.js';
import type { LeaseFence } from '../../storage/index.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import { touch, type ConversationState } from '../state/conversation-state.js';
import type { LogWriter } from './log-writer.js';
import { toStored } from '../state/stored-conversation.js';

/** How old a snapshot may be that lags behind messages (ms). */
const SOON_MS = 1_000;

/** Writes snapshots of a conversation's state: one at a time, the newest wins, never ahead of the log. */
export class MetadataWriter {
  private current: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly state: ConversationState,
    private readonly writer: LogWriter,
    private readonly fence: LeaseFence,
    private readonly services: ConversationServices,
  ) {}

  /** Marks the conversation as changed now, for changes that leave no event. */
  bump(): void {
    touch(this.state, utcTimestamp());
    this.services.catalogue.updateEntry(this.state);
  }

  /** Resolves when a snapshot at least as new as this call is on disk. */
  save(): Promise<void> {
    if (!this.current) {
      this.current = this.write().finally(() => (this.current = undefined));
      return this.current;
    }
    // One is being written and may be older than this call: all who come now share the one after it.
    this.next ??= this.current
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        return this.save();
      });
    return this.next;
  }

  /**
   * Saves within a second, together with what else changes until then: for changes that are frequent and safe
   * in the log, but that lists should still tell of after a crash.
   */
  saveSoon(onError: (error: unknown) => void): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.save().catch(onError);
    }, SOON_MS).unref();
  }

  /** Writes nothing more, and resolves when nothing is being written. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    while (this.current ?? this.next) await (this.current ?? this.next)?.catch(() => undefined);
  }

  private async write(): Promise<void> {
    if (this.stopped) return;
    // The log first: a snapshot that knows more than the log would be wrong after a crash.
    const stored = toStored(structuredClone(this.state), this.writer.handedIn, this.services.secrets);
    await this.writer.settled();
    await this.services.catalogue.save(stored, this.fence);
  }
}
