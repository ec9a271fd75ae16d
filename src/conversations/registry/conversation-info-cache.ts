import { Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { SecretCodec } from '../../crypto/index.js';
import { Catalogue } from '../../storage/index.js';
import type { JsonObject } from '../../json/index.js';
import type { Conversation } from '../conversation/conversation.js';
import { ConversationNotFoundError } from '../conversation-errors.js';
import { ConversationRegistry } from './conversation-registry.js';
import { ConversationStore } from './conversation-store.js';
import { conversationInfo, type InfoOptions } from '../state/conversation-info.js';
import { unreadableReason } from '../state/unreadable.js';
import { jsonToKeep, StampedCache } from './stamped-cache.js';

/** Enough for some thousand conversations of usual size. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * The `ConversationInfo` of conversations, open or not. For those that are not open it caches the JSON, which
 * is valid as long as the stamp of the stored conversation is the same.
 */
@Injectable()
export class ConversationInfoCache {
  private readonly logger = new Logger('Conversations');
  /** Unreadable conversations that were logged. */
  private readonly reported = new Set<string>();
  private readonly cache = new StampedCache(MAX_BYTES);

  constructor(
    private readonly catalogue: Catalogue,
    private readonly registry: ConversationRegistry,
    private readonly store: ConversationStore,
    private readonly codec: SecretCodec,
    private readonly config: AppConfig,
  ) {}

  /**
   * The `ConversationInfo` of a conversation.
   * @throws ConversationNotFoundError, DamagedConversationError
   */
  async info(id: string, options: InfoOptions): Promise<JsonObject> {
    const shown = { ...options, children: await this.catalogue.childrenOf(id) };
    const conversation = this.registry.opened(id);
    // No await after this one, so that what is shown is durable.
    if (conversation && (await isDurable(conversation))) return conversation.info(shown);
    const state = await this.registry.peek(id);
    if (!state) throw new ConversationNotFoundError(id);
    return conversationInfo(state, this.config.conversations_path, this.codec, shown);
  }

  /** As `info`, as JSON. */
  async json(id: string, options: InfoOptions): Promise<Buffer> {
    return (await this.storedJson(id, options)) ?? jsonToKeep(await this.info(id, options));
  }

  /** As `json`, null for a conversation that does not exist or cannot be read. */
  async jsonOrNull(id: string, options: InfoOptions): Promise<Buffer | null> {
    try {
      return await this.json(id, options);
    } catch (error) {
      if (error instanceof ConversationNotFoundError) return null;
      const reason = unreadableReason(error);
      if (reason === undefined) throw error;
      return this.logUnreadable(id, reason);
    }
  }

  /** From the cache or from disk; undefined if the conversation is open or may be changing. */
  private async storedJson(id: string, options: InfoOptions): Promise<Buffer | undefined> {
    const { catalogue, codec, config } = this;
    if (!this.registry.isFullyStored(id)) return undefined;
    // Before the state is read: a newer state gets another stamp.
    const stored = await catalogue.stampOf(id);
    if (stored === undefined || !this.registry.isFullyStored(id)) return undefined;
    const children = await catalogue.childrenOf(id);
    const stamp = [stored, ...children].join();
    const key = `${id} ${options.includeSkills} ${options.runtimeInfo}`;
    const cached = this.cache.get(key, stamp);
    if (cached) return cached;
    const state = await this.store.saved(id);
    // It may have been opened and changed meanwhile.
    if (!state || !this.registry.isFullyStored(id)) return undefined;
    const json = jsonToKeep(
      conversationInfo(state, config.conversations_path, codec, { ...options, children }),
    );
    this.cache.set(key, stamp, json);
    return json;
  }

  /** One damaged conversation must not make a list fail. */
  private logUnreadable(id: string, reason: string): null {
    if (!this.reported.has(id)) this.logger.error(`conversation ${id} is left out: ${reason}`);
    this.reported.add(id);
    return null;
  }
}

/**
 * Whether the state in memory is on disk. False if the log could not be written: then the stored state
 * counts.
 */
export function isDurable(conversation: Conversation): Promise<boolean> {
  return conversation.settled().then(
    () => true,
    () => false,
  );
}
