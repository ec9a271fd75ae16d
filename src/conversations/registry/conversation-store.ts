import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import {
  DamagedConversationError,
  LeaseHeldError,
  type EventLog,
  type EventLogStore,
  type LeaseFence,
} from '../../storage/index.js';
import { ConversationNotFoundError } from '../conversation-errors.js';
import type { ConversationServices, OpenedStorage } from '../conversation/conversation-services.js';
import { foldEvent, type ConversationState } from '../state/conversation-state.js';
import { parseWithYield } from '../journal/parse-event.js';
import { fromStored, toStored } from '../state/stored-conversation.js';

/** Writes the beginning of a new log. */
export type FillLog = (log: EventLog, fence: LeaseFence) => Promise<void>;

/** A state and where it is kept. */
export interface StoredState {
  state: ConversationState;
  storage: OpenedStorage;
}

/** Lines read at a time while the tail of a log is replayed. */
const CHUNK = 500;

/**
 * Conversations on the disk: made, opened with their lease, read without it, removed. Knows of no open ones.
 */
export class ConversationStore {
  private readonly logger = new Logger(ConversationStore.name);

  constructor(
    private readonly services: Pick<ConversationServices, 'catalogue' | 'leases' | 'secrets'>,
    private readonly logs: EventLogStore,
  ) {}

  /**
   * Takes the lease of a conversation and reads it. Hand what is opened to `letGo` or to a `Conversation`.
   * @throws ConversationNotFoundError, LeaseHeldError, DamagedConversationError
   */
  async open(id: string): Promise<StoredState> {
    const { catalogue, leases } = this.services;
    if (!(await catalogue.has(id))) throw new ConversationNotFoundError(id);
    const fence = await leases.acquire(id);
    try {
      const { state, log } = await this.read(id);
      return { state, storage: { log, fence } };
    } catch (error) {
      await leases.release(fence);
      throw error;
    }
  }

  /** Closes the log and gives the lease back; more than once does no harm. */
  async release({ log, fence }: OpenedStorage): Promise<void> {
    await log.close();
    await this.services.leases.release(fence);
  }

  /**
   * Makes a conversation. It is there when this is done, and what a failure leaves of it is removed.
   * @param fill writes what its log begins with
   */
  async make(state: ConversationState, fill?: FillLog): Promise<OpenedStorage> {
    const { catalogue, leases, secrets } = this.services;
    const storage = await this.openEmpty(state.id);
    const { log, fence } = storage;
    try {
      if (fill) await catalogue.beginCreation(state.id);
      await fill?.(log, fence);
      // The metadata last: until they are written nobody finds it.
      await catalogue.save(toStored(state, log.length, secrets), fence);
      return storage;
    } catch (error) {
      await log.close();
      await this.unmake(state.id, fill !== undefined);
      await leases.release(fence);
      throw error;
    }
  }

  /** Removes what cannot be opened: it is damaged, or the disk is full, and deleting is what makes room. */
  async discard(id: string): Promise<void> {
    const { catalogue, leases } = this.services;
    const fence = await leases.acquire(id).catch((error: unknown) => {
      if (error instanceof LeaseHeldError) throw error;
      return undefined;
    });
    try {
      if (!fence && !(await leases.isVacant(id))) throw new LeaseHeldError(id);
      await catalogue.remove(id);
    } finally {
      if (fence) await leases.release(fence);
    }
  }

  /** The state as it was saved last; undefined for an unknown conversation. */
  async saved(id: string): Promise<ConversationState | undefined> {
    const metadata = await this.services.catalogue.load(id);
    return metadata && fromStored(metadata, this.services.secrets).state;
  }

  /**
   * Reads a conversation, whoever owns it: its log as it is now, and the state that follows from it. Close
   * the log. Leases gate writes only.
   * @throws ConversationNotFoundError, DamagedConversationError
   */
  async read(id: string): Promise<{ state: ConversationState; log: EventLog }> {
    const metadata = await this.services.catalogue.load(id);
    if (!metadata) throw new ConversationNotFoundError(id);
    const log = await this.logs.open(id);
    try {
      const { state, logPosition } = fromStored(metadata, this.services.secrets);
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
  async readWhatIsThere(id: string): Promise<{ state?: ConversationState; log: EventLog }> {
    try {
      return await this.read(id);
    } catch (error) {
      if (!(error instanceof DamagedConversationError)) throw error;
      return { log: await this.logs.open(id) };
    }
  }

  /** As `read`, but content with the log where the metadata is damaged. */
  async readLog(id: string): Promise<{ log: EventLog; head: string | null }> {
    try {
      const { log, state } = await this.read(id);
      return { log, head: state.leaf_event_id };
    } catch (error) {
      if (!(error instanceof DamagedConversationError)) throw error;
      const log = await this.logs.open(id);
      if (log.length > 0) return { log, head: lastOfTree(log) };
      await log.close();
      throw error;
    }
  }

  /** Lease and log of a conversation that is to be made. */
  private async openEmpty(id: string): Promise<OpenedStorage> {
    const { catalogue, leases } = this.services;
    for (;;) {
      const fence = await leases.acquire(id);
      try {
        const log = await this.logs.open(id);
        if (log.length === 0) return { log, fence };
        // What a crash left of a conversation that was never there.
        await log.close();
        await leases.release(fence);
        await catalogue.remove(id);
      } catch (error) {
        await this.unmake(id, false);
        await leases.release(fence);
        throw error;
      }
    }
  }

  /** Removes what a failed creation has left, unless it is there in spite of the failure. */
  private async unmake(id: string, unfinished: boolean): Promise<void> {
    const { catalogue } = this.services;
    try {
      if (unfinished || !(await catalogue.has(id))) await catalogue.remove(id);
    } catch (error) {
      this.logger.warn(
        `conversation ${id}: what was made of it could not be removed: ${errorMessage(error)}`,
      );
    }
  }
}

/** The last event of a log that can be the head of its tree. */
function lastOfTree(log: EventLog): string | null {
  for (let seq = log.length - 1; seq >= 0; seq -= 1) {
    const { id, kind } = log.entry(seq);
    if (kind !== 'ConversationStateUpdateEvent') return id;
  }
  return null;
}

/** Brings a state up to the end of its log: only what came after the snapshot is read. */
async function replay(log: EventLog, from: number, state: ConversationState): Promise<void> {
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
