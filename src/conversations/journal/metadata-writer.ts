import { utcTimestamp } from '../../events/index.js';
import { SharedRun } from '../../flow/index.js';
import type { LeaseFence } from '../../storage/index.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import { touch, type ConversationState } from '../state/conversation-state.js';
import type { LogWriter } from './log-writer.js';
import { toStored } from '../state/stored-conversation.js';

/** How long `saveSoon` collects changes. */
const DELAY_MS = 1_000;

/**
 * Writes snapshots of a conversation's state: one at a time, calls meanwhile share the next, never ahead of
 * the log.
 */
export class MetadataWriter {
  private readonly writing = new SharedRun(() => this.write());
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly state: ConversationState,
    private readonly writer: LogWriter,
    private readonly fence: LeaseFence,
    private readonly services: Pick<ConversationServices, 'catalogue' | 'secretCodec'>,
  ) {}

  /** Sets `updated_at`, for changes without an event. */
  markChanged(): void {
    touch(this.state, utcTimestamp());
    this.services.catalogue.updateEntry(this.state);
  }

  /** Resolves when a snapshot at least as new as this call is on disk. */
  save(): Promise<void> {
    return this.writing.run();
  }

  /**
   * Saves within a second, together with later changes. For frequent changes that are in the log already:
   * lists read only snapshots after a crash.
   */
  saveSoon(onError: (error: unknown) => void): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.save().catch(onError);
    }, DELAY_MS).unref();
  }

  /** Writes no more snapshots; resolves when none is being written. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    while (this.writing.last) await this.writing.last.catch(() => undefined);
  }

  private async write(): Promise<void> {
    if (this.stopped) return;
    // The log first: after a crash a snapshot must not be ahead of it.
    const stored = toStored(structuredClone(this.state), this.writer.submitted, this.services.secretCodec);
    await this.writer.settled();
    await this.services.catalogue.save(stored, this.fence);
  }
}
