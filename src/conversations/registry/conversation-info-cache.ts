import { Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { SecretCodec } from '../../crypto/index.js';
import { Catalogue, DamagedConversationError } from '../../storage/index.js';
import type { JsonObject } from '../../json/index.js';
import type { Conversation } from '../conversation/conversation.js';
import { ConversationNotFoundError } from '../conversation-errors.js';
import { ConversationRegistry } from './conversation-registry.js';
import { ConversationStore } from './conversation-store.js';
import { conversationInfo, type InfoOptions } from '../state/conversation-info.js';
import { StampedCache } from './stamped-cache.js';

/** Some thousand conversations, as they mostly are. */
const KEPT_BYTES = 4 * 1024 * 1024;

/**
 * What clients are shown of conversations, open or not. Of those that are not open, what was shown last is
 * kept as JSON: to show it again takes a look whether the stored conversation is still the same, instead of
 * reading it.
 */
@Injectable()
export class ConversationInfoCache {
  private readonly logger = new Logger('Conversations');
  /** Conversations that were said to be unreadable already. */
  private readonly reported = new Set<string>();
  private readonly kept = new StampedCache(KEPT_BYTES);

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
    // Nothing is waited for behind this: what is shown is durable.
    if (conversation && (await settles(conversation))) return conversation.info(shown);
    const state = await this.registry.peek(id);
    if (!state) throw new ConversationNotFoundError(id);
    return conversationInfo(state, this.config.conversations_path, this.codec, shown);
  }

  /** The same as JSON. */
  async json(id: string, options: InfoOptions): Promise<Buffer> {
    return (await this.storedJson(id, options)) ?? toJson(await this.info(id, options));
  }

  /** The same as JSON, null for a conversation that is not there or cannot be read. */
  async jsonOrNull(id: string, options: InfoOptions): Promise<Buffer | null> {
    try {
      return await this.json(id, options);
    } catch (error) {
      if (error instanceof ConversationNotFoundError) return null;
      if (error instanceof DamagedConversationError) return this.unreadable(id, error);
      throw error;
    }
  }

  /**
   * What is stored tells all of a conversation that is not open; undefined where it does not, or may just be
   * changing.
   */
  private async storedJson(id: string, options: InfoOptions): Promise<Buffer | undefined> {
    const { catalogue, codec, config } = this;
    if (!this.registry.isAtRest(id)) return undefined;
    // Before it is read: what is read then is as new, or its next stamp is another one.
    const stored = await catalogue.stampOf(id);
    if (stored === undefined || !this.registry.isAtRest(id)) return undefined;
    const children = await catalogue.childrenOf(id);
    const stamp = [stored, ...children].join();
    const key = `${id} ${options.includeSkills} ${options.runtimeInfo}`;
    const known = this.kept.get(key, stamp);
    if (known) return known;
    const state = await this.store.saved(id);
    // Who opened it meanwhile has changed it, perhaps.
    if (!state || !this.registry.isAtRest(id)) return undefined;
    const text = toJson(conversationInfo(state, config.conversations_path, codec, { ...options, children }));
    this.kept.set(key, stamp, text);
    return text;
  }

  /** One conversation that cannot be read must not take the others from people. */
  private unreadable(id: string, error: DamagedConversationError): null {
    if (!this.reported.has(id)) this.logger.error(`conversation ${id} is left out: ${error.reason}`);
    this.reported.add(id);
    return null;
  }
}

/** False when what was just written could not be stored: then what is stored counts. */
export function settles(conversation: Conversation): Promise<boolean> {
  return conversation.settled().then(
    () => true,
    () => false,
  );
}

/** Of its own, not a piece of the pool that all buffers share: it may be kept long. */
function toJson(info: JsonObject): Buffer {
  const text = JSON.stringify(info);
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
