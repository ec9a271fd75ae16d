import path from 'node:path';
import { Injectable } from '@nestjs/common';
import {
  DamagedConversationError,
  LeaseHeldError,
  StorageFailedError,
  type EventLog,
} from '../storage/index.js';
import type { JsonObject } from '../json/index.js';
import type { Conversation } from './conversation/conversation.js';
import { conversationDocuments, type ConversationDocuments } from './state/conversation-documents.js';
import { ConversationCreation } from './conversation/conversation-creation.js';
import { ConversationNotFoundError, RunLimitError } from './conversation-errors.js';
import { hasStatus, pageOf, type ConversationQuery } from './queries/conversation-page.js';
import { ConversationServices } from './conversation/conversation-services.js';
import { ConversationRegistry } from './registry/conversation-registry.js';
import { ConversationStore } from './registry/conversation-store.js';
import type { ConversationChange, ConversationState } from './state/conversation-state.js';
import type { InfoOptions } from './state/conversation-info.js';
import type { EventFilter, EventQuery } from './queries/event-query.js';
import { EventSearch } from './queries/event-search.js';
import { finalResponse } from './queries/final-response.js';
import { joinItems, type JsonPage } from './queries/json-page.js';
import { settles, ConversationInfoCache } from './registry/conversation-info-cache.js';
import type { IncomingMessage, StartConversationRequest } from './state/start-request.js';
import { Worktrees } from './worktrees/worktrees.js';

export type { EventFilter, EventQuery } from './queries/event-query.js';

/** A log to read from, as far as its events are durable. */
interface ReadableLog {
  log: EventLog;
  length: number;
  /** The id of the head of the tree. */
  head: string | null;
}

/** What is stored of a conversation. */
export interface ExportedConversation {
  log: EventLog;
  documents?: ConversationDocuments;
}

const MESSAGE_SAVED =
  'Message saved, but the conversation run limit was reached. ' +
  'Retry POST /api/conversations/{id}/run without resending the message.';

/**
 * The use cases around conversations. Unknown ids throw `ConversationNotFoundError`. `ConversationInfo`
 * objects are plain JSON with the wire's keys in the wire's order, nulls kept.
 */
@Injectable()
export class ConversationsService {
  private readonly shown: ConversationInfoCache;

  constructor(
    private readonly services: ConversationServices,
    private readonly registry: ConversationRegistry,
    private readonly store: ConversationStore,
    private readonly creation: ConversationCreation,
    private readonly worktrees: Worktrees,
  ) {
    this.shown = new ConversationInfoCache(services, registry, store);
  }

  /**
   * Creates a conversation, or answers the existing one of that id (`created` false). An initial message
   * starts a run.
   */
  async create(
    request: StartConversationRequest,
    includeSkills: boolean,
  ): Promise<{ info: JsonObject; created: boolean }> {
    const options = { includeSkills, runtimeInfo: false };
    const made = await this.creation.create(request);
    if (made) {
      await made.publishChange();
      return { info: made.info(options), created: true };
    }
    return { info: await this.describe(request.conversation_id ?? '', options), created: false };
  }

  info(id: string, includeSkills: boolean): Promise<JsonObject> {
    return this.describe(id, { includeSkills, runtimeInfo: true });
  }

  /** The same as JSON. */
  infoJson(id: string, includeSkills: boolean): Promise<Buffer> {
    return this.shown.json(id, { includeSkills, runtimeInfo: true });
  }

  /** The `ConversationInfo` of a conversation, also of one that is not open. */
  describe(id: string, options: InfoOptions): Promise<JsonObject> {
    return this.shown.info(id, options);
  }

  /** The folder that a conversation works in, absolute. */
  async workingDir(id: string): Promise<string> {
    const state = await this.registry.peek(id);
    if (!state) throw new ConversationNotFoundError(id);
    return path.resolve(this.services.baseDir, state.workspace.working_dir);
  }

  /** JSON, in the order asked; null for unknown ids. */
  async batch(ids: readonly string[], includeSkills: boolean): Promise<(Buffer | null)[]> {
    const options = { includeSkills, runtimeInfo: true };
    // One that is asked for many times is made once.
    const unique = [...new Set(ids)];
    const found = await Promise.all(unique.map((id) => this.shown.jsonOrNull(id, options)));
    const byId = new Map(unique.map((id, index) => [id, found[index] ?? null]));
    return ids.map((id) => byId.get(id) ?? null);
  }

  async search(query: ConversationQuery): Promise<JsonPage> {
    const found = pageOf(await this.services.catalogue.list(), query);
    const ids = found.slice(0, query.limit).map((entry) => entry.id);
    const page = await this.batch(ids, query.includeSkills);
    const next = found[query.limit];
    // One that was deleted while the page was made is simply not on it.
    return { items: joinItems(page.filter((info) => info !== null)), nextPageId: next ? hex(next.id) : null };
  }

  /** How many are in memory, of those that `count` counts. */
  get openCount(): number {
    return this.registry.size;
  }

  async count(status?: string): Promise<number> {
    return (await this.services.catalogue.list()).filter(hasStatus(status)).length;
  }

  async update(id: string, change: ConversationChange): Promise<void> {
    const conversation = await this.open(id);
    await conversation.update(change);
    await conversation.publishChange();
  }

  /**
   * Removes a conversation, and its worktree where no other one works in it. Other files of its workspace
   * stay.
   */
  async delete(id: string): Promise<void> {
    const worktree = await this.worktreeOf(id);
    const isThere = (user: string): Promise<boolean> => this.services.catalogue.has(user);
    await this.registry.destroy(id, async () => {
      if (worktree) await this.worktrees.leave(worktree, id, isThere);
    });
  }

  private async worktreeOf(id: string): Promise<ConversationState['worktree']> {
    try {
      return (await this.registry.peek(id))?.worktree ?? null;
    } catch (error) {
      // Nobody knows any more; it can be deleted all the same.
      if (error instanceof DamagedConversationError) return null;
      throw error;
    }
  }

  /** @param key the same key twice is one message */
  async sendMessage(id: string, message: IncomingMessage, run: boolean, key?: string): Promise<void> {
    const conversation = await this.open(id);
    try {
      await conversation.sendMessage(message, run, { key });
    } catch (error) {
      throw error instanceof RunLimitError ? new RunLimitError(MESSAGE_SAVED) : error;
    }
  }

  async run(id: string): Promise<void> {
    (await this.open(id)).startRun();
  }

  async pause(id: string): Promise<void> {
    const conversation = await this.open(id);
    await conversation.pause();
    await conversation.publishChange();
  }

  async interrupt(id: string): Promise<void> {
    const conversation = await this.open(id);
    await conversation.interrupt();
    await conversation.publishChange();
  }

  async respondToConfirmation(id: string, accept: boolean, reason: string): Promise<void> {
    await (await this.open(id)).respondToConfirmation(accept, reason);
  }

  /** The last `finish` message, or the text of the last agent message, else empty. */
  finalResponse(id: string): Promise<string> {
    return this.reading(id, ({ log, head }) => finalResponse(log, head));
  }

  /**
   * The items are the raw lines. Those of a large page are read as they are asked for: a client may take its
   * time.
   */
  async searchEvents(id: string, query: EventQuery): Promise<JsonPage> {
    const { parts, nextPageId } = await this.reading(id, ({ log, length }) =>
      new EventSearch(log, length).page(query),
    );
    const [first = [], ...others] = parts;
    const items = await this.eventItems(id, first);
    return { items, nextPageId, ...(others.length > 0 && { rest: this.eventParts(id, others) }) };
  }

  private eventItems(id: string, seqs: readonly number[]): Promise<Buffer> {
    return this.reading(id, ({ log }) => log.readItems(seqs));
  }

  private async *eventParts(id: string, parts: readonly number[][]): AsyncGenerator<Buffer, void> {
    for (const seqs of parts) yield await this.eventItems(id, seqs);
  }

  countEvents(id: string, filter: EventFilter): Promise<number> {
    return this.reading(id, ({ log, length }) => new EventSearch(log, length).count(filter));
  }

  /** Raw lines in the order asked; null for unknown event ids. */
  eventLines(id: string, eventIds: readonly string[]): Promise<(string | null)[]> {
    return this.reading(id, ({ log, length }) => new EventSearch(log, length).lines(eventIds));
  }

  /**
   * What is stored of a conversation as of now, to be shown to others: its log, which the caller closes, and
   * its documents, secrets masked, unless its metadata is damaged.
   */
  async exported(id: string): Promise<ExportedConversation> {
    const { state, log } = await this.store.readWhatIsThere(id);
    const { shownRoot, secrets } = this.services;
    return { log, documents: state && conversationDocuments(state, shownRoot, secrets) };
  }

  /** The live conversation, opened once for all who ask. Throws also when another live server owns it. */
  open(id: string): Promise<Conversation> {
    return this.registry.acquire(id);
  }

  /**
   * The live conversation for a short while: where it was opened only for that, `release` closes it again.
   */
  borrow(id: string): Promise<{ conversation: Conversation; release: () => void }> {
    return this.registry.borrow(id);
  }

  /** Reads a log, also one that cannot be written here: then it is opened for this reading only. */
  private async reading<T>(id: string, read: (from: ReadableLog) => Promise<T>): Promise<T> {
    const conversation = await this.open(id).catch((error: unknown) => {
      if (readsAllTheSame(error)) return undefined;
      throw error;
    });
    if (conversation && (await settles(conversation))) {
      const { log, length, state } = conversation;
      return read({ log, length, head: state.leaf_event_id });
    }
    const { log, head } = await this.store.readLog(id);
    try {
      return await read({ log, length: log.length, head });
    } finally {
      await log.close();
    }
  }
}

/** Another server writes it, nothing can be written, or it is damaged: what there is can be read. */
function readsAllTheSame(error: unknown): boolean {
  return (
    error instanceof LeaseHeldError ||
    error instanceof StorageFailedError ||
    error instanceof DamagedConversationError
  );
}

function hex(id: string): string {
  return id.replaceAll('-', '');
}
