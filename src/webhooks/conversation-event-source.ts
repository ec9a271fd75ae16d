import {
  ConversationClosedError,
  ConversationNotFoundError,
  type ConversationsService,
} from '../conversations/index.js';
import {
  LeaseHeldError,
  type EventLogStore,
  type LeaseStore,
  type ReservedConversations,
} from '../storage/index.js';
import { EventSource, type BorrowedLog, type Unavailable } from './event-source.js';

/**
 * Reads logs through their conversations, which hold the leases. At shutdown, after all conversations are
 * closed, reads them directly, unless another server has taken the conversation over.
 */
export class ConversationEventSource extends EventSource {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly logs: EventLogStore,
    private readonly leases: LeaseStore,
    private readonly reserved: ReservedConversations,
  ) {
    super();
  }

  override async borrow(conversationId: string): Promise<BorrowedLog | Unavailable> {
    try {
      const { conversation, release } = await this.conversations.borrow(conversationId);
      return {
        get length() {
          return conversation.length;
        },
        seqOf: (eventId) => conversation.log.seqOf(eventId),
        read: (from, limit) => conversation.readLines(from, limit),
        release,
      };
    } catch (error) {
      if (error instanceof ConversationClosedError) return this.borrowClosed(conversationId);
      if (error instanceof ConversationNotFoundError) return 'gone';
      if (error instanceof LeaseHeldError)
        return this.reserved.has(conversationId) ? this.growing(conversationId) : 'elsewhere';
      throw error;
    }
  }

  override async seqOf(conversationId: string, eventId: string): Promise<number | undefined> {
    const log = await this.readOnly(conversationId);
    try {
      return await log.seqOf(eventId);
    } finally {
      log.release();
    }
  }

  private async borrowClosed(conversationId: string): Promise<BorrowedLog | Unavailable> {
    const owner = await this.leases.ownerOf(conversationId);
    return owner && !owner.isSelf ? 'elsewhere' : this.readOnly(conversationId);
  }

  /** The log of a conversation in a container, which somebody else appends to. */
  private async growing(conversationId: string): Promise<BorrowedLog> {
    const log = await this.logs.follow(conversationId);
    return {
      get length() {
        return log.length;
      },
      seqOf: (eventId) => log.seqOf(eventId),
      read: async (from, limit) => {
        if (from + limit > log.length) await log.refresh();
        return log.read(from, limit);
      },
      release: () => void log.close(),
    };
  }

  private async readOnly(conversationId: string): Promise<BorrowedLog> {
    const log = await this.logs.read(conversationId);
    return {
      length: log.length,
      seqOf: (eventId) => log.seqOf(eventId),
      read: (from, limit) => log.read(from, limit),
      release: () => void log.close(),
    };
  }
}
