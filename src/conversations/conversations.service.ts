import { Injectable } from '@nestjs/common';
import type { Principal } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import { SecretCodec } from '../crypto/index.js';
import type { ConfinementScope } from '../sandbox/index.js';
import {
  Catalogue,
  ConversationFolders,
  DamagedConversationError,
  LeaseHeldError,
  StorageFailedError,
  type LogReader,
} from '../storage/index.js';
import type { ConversationStateUpdateEvent } from '../events/index.js';
import type { JsonObject } from '../json/index.js';
import { dashedUuid } from '../text/index.js';
import type { Conversation } from './conversation/conversation.js';
import { ConversationCreation, type FirstRun } from './conversation/conversation-creation.js';
import { WorkspaceHost } from './conversation/workspace-host.js';
import {
  ConversationExistsError,
  ConversationNotFoundError,
  RunLimitError,
  type WorkspaceElsewhereError,
} from './conversation-errors.js';
import type { ConversationQuery } from './queries/conversation-query.js';
import { ConversationRegistry } from './registry/conversation-registry.js';
import { ConversationStore } from './registry/conversation-store.js';
import type { ConversationChange } from './state/conversation-state.js';
import { fullStateEvent, type InfoOptions } from './state/conversation-info.js';
import type { EventFilter, EventQuery } from './queries/event-query.js';
import { EventSearch } from './queries/event-search.js';
import { finalResponse, type FinalResponse } from './queries/final-response.js';
import { joinItems, type JsonPage } from './queries/json-page.js';
import { isDurable, ConversationInfoCache } from './registry/conversation-info-cache.js';
import { confinementScope } from './owners/confinement-scope.js';
import { ownerFilter, Ownership } from './owners/ownership.js';
import { Tenancy } from './owners/tenancy.js';
import type { QueuePlace, RunRequest } from './runs/queue/queued-run.js';
import type { NewMessage, RequestedConversation } from './state/start-request.js';
import { WorktreeRelease } from './worktrees/worktree-release.js';

export type { EventFilter } from './queries/event-query.js';

/** A log up to its last durable event. */
export interface ReadableLog {
  log: LogReader;
  length: number;
  /** The id of the head. */
  head: string | null;
}

/**
 * The use cases of conversations. Unknown ids throw `ConversationNotFoundError`. `ConversationInfo` objects
 * are JSON with the keys of the wire in its order, with nulls.
 */
@Injectable()
export class ConversationsService {
  constructor(
    private readonly registry: ConversationRegistry,
    private readonly store: ConversationStore,
    private readonly infos: ConversationInfoCache,
    private readonly creation: ConversationCreation,
    private readonly catalogue: Catalogue,
    private readonly worktrees: WorktreeRelease,
    private readonly codec: SecretCodec,
    private readonly workspaces: WorkspaceHost,
    private readonly config: AppConfig,
    private readonly folders: ConversationFolders,
    private readonly ownership: Ownership,
    private readonly tenancy: Tenancy,
  ) {}

  /**
   * Creates a conversation, or returns the existing one of that id. An initial message starts a run.
   * @param run what happens if the run of the initial message reaches a limit, and the key of the message
   * @param isDerived the id was made from the text of an idempotency key, which others may have guessed
   * @throws ConversationExistsError if it is not one of the principal's
   */
  async create(
    request: RequestedConversation,
    includeSkills: boolean,
    principal: Principal,
    isDerived = false,
    run: FirstRun = {},
  ): Promise<{ info: JsonObject; created: boolean }> {
    const options = { includeSkills, runtimeInfo: false };
    const conversation = await this.creation.create(await this.tenancy.admit(request, principal), run);
    if (conversation) {
      await conversation.publishChange();
      return { info: conversation.info(options), created: true };
    }
    const id = request.conversation_id ?? '';
    await this.assertTheirs(id, principal, isDerived && request.parent_conversation_id === null);
    return { info: await this.describe(id, options), created: false };
  }

  /** @throws ConversationExistsError for a conversation that is none of the principal's */
  private async assertTheirs(id: string, principal: Principal, isDerived: boolean): Promise<void> {
    const owner = ownerFilter(principal);
    if (owner === undefined && !isDerived) return;
    // What is stored: the catalogue may list a conversation a moment after it exists.
    const state = await this.registry.peek(id);
    // A key of its own has taken the id before, so that others would work in its conversation.
    const isTheirs = owner === undefined ? state?.workspace_root === undefined : state?.owner_key === owner;
    if (!isTheirs) throw new ConversationExistsError(id);
  }

  info(id: string, includeSkills: boolean): Promise<JsonObject> {
    return this.describe(id, { includeSkills, runtimeInfo: true });
  }

  /** As `info`, as JSON. */
  infoJson(id: string, includeSkills: boolean): Promise<Buffer> {
    return this.infos.json(id, { includeSkills, runtimeInfo: true });
  }

  describe(id: string, options: InfoOptions): Promise<JsonObject> {
    return this.infos.info(id, options);
  }

  /**
   * The absolute path of the workspace.
   * @throws WorkspaceElsewhereError if its files are on another host
   */
  async workingDir(id: string): Promise<string> {
    const { folder, elsewhere } = await this.workspace(id);
    if (elsewhere) throw elsewhere;
    return folder;
  }

  /** Where the workspace is, and why this server cannot use it. */
  async workspace(id: string): Promise<{
    folder: string;
    scope: ConfinementScope;
    host: string | undefined;
    elsewhere: WorkspaceElsewhereError | undefined;
  }> {
    const state = await this.registry.peek(id);
    if (!state) throw new ConversationNotFoundError(id);
    const scope = confinementScope(state, this.config);
    return {
      folder: scope.workspace,
      scope,
      host: state.workspace_host,
      elsewhere: this.workspaces.problemOf(state),
    };
  }

  /**
   * What programs and file routes of a conversation are confined to.
   * @throws ConversationNotFoundError, WorkspaceElsewhereError
   */
  async confinementScope(id: string): Promise<ConfinementScope> {
    const { scope, elsewhere } = await this.workspace(id);
    if (elsewhere) throw elsewhere;
    return { ...scope, folder: this.folders.folder(id) };
  }

  /** Has the conversation work with the folder of the same path on this host. */
  async adoptWorkspace(id: string): Promise<void> {
    const conversation = await this.open(id);
    await conversation.change((state) => (state.workspace_host = this.workspaces.name));
  }

  /** The `ConversationInfo`s as JSON, in the order of the ids; null for unknown ids, and those of others. */
  async batch(
    ids: readonly string[],
    includeSkills: boolean,
    principal: Principal,
  ): Promise<(Buffer | null)[]> {
    const options = { includeSkills, runtimeInfo: true };
    // An id may occur many times.
    const unique = await this.ownership.visible([...new Set(ids)], principal);
    const found = await Promise.all(unique.map((id) => this.infos.jsonOrNull(id, options)));
    const byId = new Map(unique.map((id, index) => [id, found[index] ?? null]));
    return ids.map((id) => byId.get(id) ?? null);
  }

  async search(query: ConversationQuery, principal: Principal): Promise<JsonPage> {
    const { pageId, limit, status, sortOrder: order } = query;
    const from = pageId === undefined ? undefined : dashedUuid(pageId);
    // One more: the first of the next page.
    const wanted = { order, limit: limit + 1, status, from, ownerKey: ownerFilter(principal) };
    const found = await this.catalogue.page(wanted);
    const ids = found.slice(0, query.limit).map((entry) => entry.id);
    const page = await this.batch(ids, query.includeSkills, principal);
    const next = found[query.limit];
    // Conversations that were deleted meanwhile are left out.
    return { items: joinItems(page.filter((info) => info !== null)), nextPageId: next ? hex(next.id) : null };
  }

  /** How many conversations are open. */
  get openCount(): number {
    return this.registry.size;
  }

  /** Stores what only memory has of an open conversation, if it can be stored: for readers of the storage. */
  async save(id: string): Promise<void> {
    await this.registry
      .opened(id)
      ?.save()
      .catch(() => undefined);
  }

  count(status: string | undefined, principal: Principal): Promise<number> {
    return this.catalogue.count(status, ownerFilter(principal));
  }

  async update(id: string, change: ConversationChange): Promise<void> {
    const conversation = await this.open(id);
    await conversation.update(change);
    await conversation.publishChange();
  }

  /** Deletes a conversation, and its worktree if no other conversation works in it. The workspace stays. */
  async delete(id: string): Promise<void> {
    await this.registry.destroy(id, await this.worktrees.releaseOf(id));
  }

  exists(id: string): Promise<boolean> {
    return this.catalogue.has(id);
  }

  /** Removes what is stored of a conversation that this server cannot open. */
  async discard(id: string): Promise<void> {
    await this.registry.discard(id);
  }

  /** The stored state of a conversation as an event, for webhooks. */
  async storedSnapshot(id: string): Promise<ConversationStateUpdateEvent> {
    const state = await this.registry.peek(id);
    if (!state) throw new ConversationNotFoundError(id);
    return fullStateEvent(state, this.config.conversations_path, this.codec);
  }

  /**
   * @param options two messages with the same `key` are one message
   * @returns the place of its run in the queue, if it waits
   */
  async sendMessage(
    id: string,
    message: NewMessage,
    run: boolean,
    options: RunRequest & { key?: string } = {},
  ): Promise<QueuePlace | undefined> {
    const conversation = await this.open(id);
    try {
      return await conversation.sendMessage(message, run, options);
    } catch (error) {
      throw error instanceof RunLimitError ? error.afterSaving() : error;
    }
  }

  /** @returns the place of the run in the queue, if it waits */
  async run(id: string, request: RunRequest = {}): Promise<QueuePlace | undefined> {
    return (await this.open(id)).startRun(request);
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

  /** @returns the place of the run in the queue, if it waits */
  async respondToConfirmation(
    id: string,
    accept: boolean,
    reason: string,
    request: RunRequest & { key?: string } = {},
  ): Promise<QueuePlace | undefined> {
    return (await this.open(id)).approvals.respond(accept, reason, request);
  }

  /** The last `finish` message, else the text of the last agent message, else an empty string. */
  finalResponse(id: string): Promise<FinalResponse> {
    return this.withLog(id, ({ log, head }) => finalResponse(log, head));
  }

  /** The items are lines of the log. Those of a large page are read at the pace of the client. */
  async searchEvents(id: string, query: EventQuery): Promise<JsonPage> {
    const { parts, nextPageId } = await this.withLog(id, ({ log, length }) =>
      new EventSearch(log, length).page(query),
    );
    const [first = [], ...others] = parts;
    const items = await this.eventItems(id, first);
    return { items, nextPageId, ...(others.length > 0 && { rest: this.eventParts(id, others) }) };
  }

  /** What is made of each line of a page of events. Lines may be long: only a part is in memory at a time. */
  async mapEvents<T>(
    id: string,
    query: EventQuery,
    map: (line: string) => Promise<T>,
  ): Promise<{ items: T[]; next: string | null }> {
    return this.withLog(id, async ({ log, length }) => {
      const { parts, nextPageId: next } = await new EventSearch(log, length).page(query);
      const items: T[] = [];
      for (const part of parts) for (const line of await log.readMany(part)) items.push(await map(line));
      return { items, next };
    });
  }

  private eventItems(id: string, seqs: readonly number[]): Promise<Buffer> {
    return this.withLog(id, ({ log }) => log.readItems(seqs));
  }

  private async *eventParts(id: string, parts: readonly number[][]): AsyncGenerator<Buffer, void> {
    for (const seqs of parts) yield await this.eventItems(id, seqs);
  }

  countEvents(id: string, filter: EventFilter): Promise<number> {
    return this.withLog(id, ({ log, length }) => new EventSearch(log, length).count(filter));
  }

  /** Lines of the log in the order of the ids; null for unknown ids. */
  eventLines(id: string, eventIds: readonly string[]): Promise<(string | null)[]> {
    return this.withLog(id, ({ log, length }) => new EventSearch(log, length).lines(eventIds));
  }

  /** Whether this server has the conversation open. */
  isOpen(id: string): boolean {
    return this.registry.opened(id) !== undefined;
  }

  /** Opens a conversation for requests that follow. @throws LeaseHeldError if another server has it */
  async claim(id: string): Promise<void> {
    await this.registry.acquireUnbound(id);
  }

  /** The open conversation. @throws LeaseHeldError if another server has it */
  open(id: string): Promise<Conversation> {
    return this.registry.acquire(id);
  }

  /** The open conversation for a short while: if it was opened only for that, `release` closes it again. */
  borrow(id: string): Promise<{ conversation: Conversation; release: () => void }> {
    return this.registry.borrow(id);
  }

  /** Reads a log. One that this server cannot write is opened for this call only. */
  async withLog<T>(id: string, read: (from: ReadableLog) => Promise<T>): Promise<T> {
    const conversation = await this.open(id).catch((error: unknown) => {
      if (isReadOnly(error)) return undefined;
      throw error;
    });
    if (conversation && (await isDurable(conversation))) {
      const { log, length, state } = conversation;
      try {
        return await read({ log, length, head: state.leaf_event_id });
      } catch (error) {
        // A log that was deleted during the read is the reason, not a failure of the read.
        conversation.assertOpen();
        throw error;
      }
    }
    const { log, head } = await this.store.readLog(id);
    try {
      return await read({ log, length: log.length, head });
    } finally {
      await log.close();
    }
  }
}

/**
 * Another server has the lease, the storage cannot be written, or the conversation is damaged: it can still
 * be read.
 */
function isReadOnly(error: unknown): boolean {
  return (
    error instanceof LeaseHeldError ||
    error instanceof StorageFailedError ||
    error instanceof DamagedConversationError
  );
}

function hex(id: string): string {
  return id.replaceAll('-', '');
}
