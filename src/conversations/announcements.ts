import { serialiseEvent, type ConversationStateUpdateEvent } from '../events/index.js';
import type { JsonObject } from '../storage/index.js';
import type { ConversationServices, OpenedStorage } from './conversation-parts.js';
import type { ConversationState } from './conversation-state.js';
import { conversationInfo, fullStateEvent, type InfoOptions } from './conversation-views.js';
import type { LogWriter } from './log-writer.js';

/** What others are shown and told of one conversation besides its events. Secrets stay hidden. */
export class Announcements {
  constructor(
    private readonly state: ConversationState,
    private readonly storage: OpenedStorage,
    private readonly writer: LogWriter,
    private readonly services: Pick<ConversationServices, 'bus' | 'secrets' | 'shownRoot'>,
  ) {}

  /** The whole state as a transient event. */
  fullState(): ConversationStateUpdateEvent {
    return fullStateEvent(this.state, this.services.shownRoot, this.services.secrets);
  }

  /** The `ConversationInfo` of the wire. */
  info(options: InfoOptions): JsonObject {
    return conversationInfo(this.state, this.services.shownRoot, this.services.secrets, options);
  }

  /** Sends watchers the whole state. It is not in the log. */
  publishFullState(): void {
    const event = this.fullState();
    this.services.bus.publish({ conversationId: this.state.id, event, line: serialiseEvent(event) });
  }

  /** Tells receivers of changes; resolves when they have written it down. */
  publishChange(status?: 'deleting'): Promise<void> {
    const info = (): JsonObject => ({
      ...this.info({ includeSkills: true, runtimeInfo: false }),
      ...(status && { execution_status: status }),
    });
    return this.services.bus.publishChange({ conversationId: this.state.id, info });
  }

  /** Tells that nothing more comes; resolves when everybody has read what is left to read. */
  publishEnd(removed: boolean): Promise<void> {
    const { log, fence } = this.storage;
    const { length } = this.writer;
    const read = (from: number, limit: number): Promise<string[]> =>
      log.read(from, Math.min(limit, length - from));
    const owned = fence.isValid();
    return this.services.bus.closing({ conversationId: this.state.id, length, removed, owned, read });
  }
}
