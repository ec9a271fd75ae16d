import { serialiseEvent, type ConversationStateUpdateEvent } from '../../events/index.js';
import type { JsonObject } from '../../json/index.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import { conversationInfo, fullStateEvent, type InfoOptions } from './conversation-info.js';
import type { Journal } from '../journal/journal.js';

/** Shows the state of one conversation to clients and webhooks. Secrets are masked. */
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

  /** Publishes the whole state after all events that it reflects. It is not in the log. */
  async publishFullState(): Promise<void> {
    await this.journal.settled();
    if (this.journal.life.sealed) return;
    const event = this.fullState();
    this.services.bus.publish({ conversationId: this.id, event, line: serialiseEvent(event) });
  }

  /** Announces a change to webhooks; resolves when they have stored it. */
  publishChange(status?: 'deleting'): Promise<void> {
    const info = (): JsonObject => ({
      ...this.info({ includeSkills: true, runtimeInfo: false }),
      ...(status && { execution_status: status }),
    });
    return this.services.bus.publishChange({ conversationId: this.id, info });
  }

  /** Announces the end; resolves when subscribers have read the rest of the log. */
  publishEnd(removed: boolean, owned: boolean): Promise<void> {
    const { journal } = this;
    const { length } = journal;
    const read = (from: number, limit: number): Promise<string[]> => journal.readLines(from, limit);
    const mayMove = !owned || this.services.config.database_url !== null;
    return this.services.bus.closing({ conversationId: this.id, length, removed, owned, mayMove, read });
  }

  private get id(): string {
    return this.journal.state.id;
  }
}
