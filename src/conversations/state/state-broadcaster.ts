import { serialiseEvent, type ConversationStateUpdateEvent } from '../../events/index.js';
import type { JsonObject } from '../../json/index.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import { conversationInfo, fullStateEvent, type InfoOptions } from './conversation-info.js';
import type { Journal } from '../journal/journal.js';

/** What others are shown and told of one conversation besides its events. Secrets stay hidden. */
export class StateBroadcaster {
  constructor(
    private readonly journal: Journal,
    private readonly services: Pick<ConversationServices, 'bus' | 'secretCodec' | 'config'>,
  ) {}

  /** The whole state as a transient event. */
  fullState(): ConversationStateUpdateEvent {
    const { config, secretCodec } = this.services;
    return fullStateEvent(this.journal.state, config.conversations_path, secretCodec);
  }

  /** The `ConversationInfo` of the wire. */
  info(options: InfoOptions): JsonObject {
    const { config, secretCodec } = this.services;
    return conversationInfo(this.journal.state, config.conversations_path, secretCodec, options);
  }

  /** Sends watchers the whole state, behind all events that it tells of. It is not in the log. */
  async publishFullState(): Promise<void> {
    await this.journal.settled();
    if (this.journal.life.sealed) return;
    const event = this.fullState();
    this.services.bus.publish({ conversationId: this.id, event, line: serialiseEvent(event) });
  }

  /** Tells receivers of changes; resolves when they have written it down. */
  publishChange(status?: 'deleting'): Promise<void> {
    const info = (): JsonObject => ({
      ...this.info({ includeSkills: true, runtimeInfo: false }),
      ...(status && { execution_status: status }),
    });
    return this.services.bus.publishChange({ conversationId: this.id, info });
  }

  /** Tells that nothing more comes; resolves when everybody has read what is left to read. */
  publishEnd(removed: boolean, owned: boolean): Promise<void> {
    const { journal } = this;
    const { length } = journal;
    const read = (from: number, limit: number): Promise<string[]> => journal.readLines(from, limit);
    return this.services.bus.closing({ conversationId: this.id, length, removed, owned, read });
  }

  private get id(): string {
    return this.journal.state.id;
  }
}
