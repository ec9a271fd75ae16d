import { Injectable, Logger } from '@nestjs/common';
import { SecretCodec } from '../../crypto/index.js';
import { errorMessage } from '../../errors/index.js';
import {
  Catalogue,
  DamagedConversationError,
  LeaseHeldError,
  EventLogStore,
  LeaseStore,
  TakeoverPendingError,
  type EventLog,
  type LogReader,
  type LeaseFence,
} from '../../storage/index.js';
import { lastBranchEvent } from '../branches/branch-path.js';
import { ConversationNotFoundError } from '../conversation-errors.js';
import type { OpenedStorage } from '../journal/journal.js';
import { foldEvent, type ConversationState } from '../state/conversation-state.js';
import { parseWithYield } from '../journal/parse-event.js';
import { fromStored, toStored } from '../state/stored-conversation.js';

/** Writes the initial events of a new log. */
export type FillLog = (log: EventLog, fence: LeaseFence) => Promise<void>;

/** A state with its log and lease. */
export interface StoredState {
  state: ConversationState;
  storage: OpenedStorage;
}

/** How many lines are read at a time. */
const CHUNK = 500;

/** Conversations on disk. Knows nothing of the open ones. */
@Injectable()
export class ConversationStore {
  private readonly logger = new Logger(ConversationStore.name);

  constructor(
    private readonly catalogue: Catalogue,
    private readonly leases: LeaseStore,
    private readonly logs: EventLogStore,
    private readonly codec: SecretCodec,
  ) {}

  /**
   * Acquires the lease of a conversation and reads it. Pass the result to a `Conversation`, or its storage to
   * `release`.
   * @throws ConversationNotFoundError, LeaseHeldError, DamagedConversationError
   */
  async open(id: string): Promise<StoredState> {
    const { catalogue, leases } = this;
    if (!(await catalogue.has(id))) throw new ConversationNotFoundError(id);
    const fence = await leases.acquire(id);
    try {
      const { state, log } = await this.fold(id, () => this.logs.open(id));
      return { state, storage: { log, fence } };
    } catch (error) {
      await leases.release(fence);
      throw error;
    }
  }

  /** Closes the log and releases the lease. Idempotent. */
  async release({ log, fence }: OpenedStorage): Promise<void> {
    await log.close();
    await this.leases.release(fence);
  }

  /**
   * Creates a conversation. It exists once this resolves; what a failure leaves is removed.
   * @param fill writes the initial events
   */
  async create(state: ConversationState, fill?: FillLog): Promise<OpenedStorage> {
    const { catalogue, leases } = this;
    const storage = await this.openEmpty(state.id);
    const { log, fence } = storage;
    try {
      if (fill) await catalogue.beginCreation(state.id, fence);
      await fill?.(log, fence);
      // The metadata last: without them the conversation does not exist.
      await catalogue.save(toStored(state, log.length, this.codec), fence);
      return storage;
    } catch (error) {
      await log.close();
      await this.removeFailed(state.id, fill !== undefined);
      await leases.release(fence);
      throw error;
    }
  }

  /** Removes a conversation that cannot be opened: it is damaged, or the disk is full. */
  async discard(id: string): Promise<void> {
    const { catalogue, leases } = this;
    const fence = await leases.acquire(id).catch((error: unknown) => {
      if (error instanceof LeaseHeldError || error instanceof TakeoverPendingError) throw error;
      return undefined;
    });
    try {
      if (!fence && !(await leases.isVacant(id))) throw new LeaseHeldError(id);
      await catalogue.remove(id);
    } finally {
      if (fence) await leases.release(fence);
    }
  }

  /** The last saved state; undefined for an unknown conversation. */
  async saved(id: string): Promise<ConversationState | undefined> {
    const metadata = await this.catalogue.load(id);
    return metadata && fromStored(metadata, this.codec).state;
  }

  /**
   * Reads the log and the current state without a lease. The caller closes the log.
   * @throws ConversationNotFoundError, DamagedConversationError
   */
  read(id: string): Promise<{ state: ConversationState; log: LogReader }> {
    return this.fold(id, () => this.logs.read(id));
  }

  private async fold<Log extends LogReader>(
    id: string,
    open: () => Promise<Log>,
  ): Promise<{ state: ConversationState; log: Log }> {
    const metadata = await this.catalogue.load(id);
    if (!metadata) throw new ConversationNotFoundError(id);
    const log = await open();
    try {
      const { state, logPosition } = fromStored(metadata, this.codec);
      if (logPosition > log.length) {
        this.logger.error(
          `conversation ${id}: ${logPosition - log.length} events are missing at the end of its log`,
        );
      }
      await replay(log, logPosition, state);
      return { state, log };
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /**
   * As `read`, without the state where the metadata is damaged.
   * @throws ConversationNotFoundError; DamagedConversationError for a log that is no file
   */
  async readAvailable(id: string): Promise<{ state?: ConversationState; log: LogReader }> {
    try {
      return await this.read(id);
    } catch (error) {
      if (!(error instanceof DamagedConversationError)) throw error;
      return { log: await this.logs.read(id) };
    }
  }

  /** As `read`, but the log and its head suffice where the metadata is damaged. */
  async readLog(id: string): Promise<{ log: LogReader; head: string | null }> {
    try {
      const { log, state } = await this.read(id);
      return { log, head: state.leaf_event_id };
    } catch (error) {
      if (!(error instanceof DamagedConversationError)) throw error;
      const log = await this.logs.read(id);
      if (log.length > 0) return { log, head: await lastBranchEvent(log) };
      await log.close();
      throw error;
    }
  }

  /** Lease and empty log of a new conversation. */
  private async openEmpty(id: string): Promise<OpenedStorage> {
    const { catalogue, leases } = this;
    for (;;) {
      const fence = await leases.acquire(id);
      try {
        const log = await this.logs.open(id);
        if (log.length === 0) return { log, fence };
        // The rest of a creation that a crash interrupted.
        await log.close();
        await leases.release(fence);
        await catalogue.remove(id);
      } catch (error) {
        await this.removeFailed(id, false);
        await leases.release(fence);
        throw error;
      }
    }
  }

  /** Removes what a failed creation has left, unless the conversation exists in spite of the failure. */
  private async removeFailed(id: string, unfinished: boolean): Promise<void> {
    const { catalogue } = this;
    try {
      if (unfinished || !(await catalogue.has(id))) await catalogue.remove(id);
    } catch (error) {
      this.logger.warn(
        `conversation ${id}: what a failed creation left could not be removed: ${errorMessage(error)}`,
      );
    }
  }
}

/** Folds the events after a snapshot into its state. */
async function replay(log: LogReader, from: number, state: ConversationState): Promise<void> {
  for (let seq = from; seq < log.length;) {
    const lines = await log.read(seq, CHUNK);
    if (lines.length === 0) return;
    for (const line of lines) {
      const event = await parseWithYield(line);
      if (event) foldEvent(state, event);
    }
    seq += lines.length;
  }
}
