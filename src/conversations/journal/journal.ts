import { Logger } from '@nestjs/common';
import { isBranchEvent } from '../../agent/agent-view.js';
import { errorStack } from '../../errors/index.js';
import { createEvent, ROOT_PARENT, type DurableEvent, type EventDraft } from '../../events/index.js';
import { LeaseLostError, type EventLog } from '../../storage/index.js';
import type { ConversationServices, OpenedStorage } from '../conversation/conversation-services.js';
import { foldEvent, type ConversationState } from '../state/conversation-state.js';
import type { Lifecycle } from '../conversation/lifecycle.js';
import { LogWriter } from './log-writer.js';
import { MetadataWriter } from './metadata-writer.js';
import { ViewCache } from './view-cache.js';

/** One for all: each conversation that is open would keep its own. */
const logger = new Logger('Conversation');

/**
 * State, log and view of one open conversation, changed together: an event takes its place in all three in
 * one step, in the order in which events are handed in.
 */
export class Journal {
  private readonly writer: LogWriter;
  private readonly metadata: MetadataWriter;
  /** What the agent sees. */
  readonly views: ViewCache;
  /** The timestamp of the last event: what comes next is later, whatever became of the clock. */
  private lastTimestamp: string;

  constructor(
    readonly state: ConversationState,
    private readonly storage: OpenedStorage,
    private readonly services: ConversationServices,
    private readonly life: Lifecycle,
    /** Told once, when the log takes nothing more. */
    onBroken: (error: Error) => void,
  ) {
    const { log, fence } = storage;
    this.lastTimestamp = log.length === 0 ? '' : log.entry(log.length - 1).timestamp;
    this.writer = new LogWriter(state.id, log, fence, services.bus, onBroken);
    // What is in memory is not what is on disk any more, also for those who only read.
    fence.onLost(() => this.writer.end(new LeaseLostError(state.id)));
    this.metadata = new MetadataWriter(state, this.writer, fence, services);
    this.views = new ViewCache(log, this.writer, () => state.leaf_event_id);
  }

  /** How many events are durable and published: the next live event has this seq. */
  get length(): number {
    return this.writer.length;
  }

  /** The log itself, for searches. Only what is below `length` counts. */
  get log(): EventLog {
    return this.storage.log;
  }

  /** It said its last word: nobody is told of it any more. */
  get sealed(): boolean {
    return this.life.sealed;
  }

  /** Aborted when the conversation begins to end. */
  get closeSignal(): AbortSignal {
    return this.life.closeSignal;
  }

  /** Resolves when all that the state tells of now is durable: who saw a status finds its events. */
  settled(): Promise<void> {
    return this.writer.settled();
  }

  readLines(fromSeq: number, limit: number): Promise<string[]> {
    return this.log.read(fromSeq, Math.min(limit, this.length - fromSeq));
  }

  /** The same as UTF-8, up to so many bytes. */
  readBytes(fromSeq: number, limit: number, bytes: number): Promise<Buffer[]> {
    return this.log.readBytes(fromSeq, Math.min(limit, this.length - fromSeq), bytes);
  }

  /**
   * Appends events: parent, state and view follow at once, the answer when they are durable and published.
   */
  async commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]> {
    this.life.assertWritable();
    // Nothing in memory may tell of what the log does not take.
    this.writer.assertWorking();
    const statusBefore = this.state.execution_status;
    const { handedIn } = this.writer;
    const events = drafts.map((draft, index) => this.take(draft, handedIn + index));
    const written = this.writer.write(events);
    this.services.catalogue.updateEntry(this.state);
    // Before a run does anything the snapshot says that it runs: by that a restart finds what a crash cut
    // off.
    const starts = this.state.execution_status === 'running' && statusBefore !== 'running';
    const saved = starts ? this.save() : Promise.resolve();
    saved.catch((error: unknown) => this.report('save', error));
    await written;
    await saved;
    return events;
  }

  /** Only the very first event has no parent; a later one that no branch leads to says that it is a root. */
  private take(draft: EventDraft, seq: number): DurableEvent {
    const parent = this.state.leaf_event_id ?? (seq > 0 ? ROOT_PARENT : undefined);
    const event: DurableEvent = { ...createEvent(draft, this.lastTimestamp), parent_id: parent };
    this.lastTimestamp = event.timestamp;
    foldEvent(this.state, event);
    if (isBranchEvent(event)) this.views.push(event);
    return event;
  }

  /** Makes another event the head, or none. No event tells of it; resolves when it is on disk. */
  async moveHead(head: string | null): Promise<void> {
    this.state.leaf_event_id = head;
    this.state.head_is_empty = head === null && this.length > 0;
    this.views.drop();
    await this.saveChange();
  }

  /** Resolves when a snapshot of the state that is at least as new as this call is on disk. */
  save(): Promise<void> {
    return this.metadata.save();
  }

  /** As `save`, for a change that no event tells of: the conversation counts as changed now. */
  saveChange(): Promise<void> {
    this.metadata.bump();
    return this.metadata.save();
  }

  /** Saves within a second. @param changed the conversation counts as changed now */
  saveSoon(changed: boolean): void {
    if (changed) this.metadata.bump();
    this.metadata.saveSoon((error) => this.report('save', error));
  }

  /** Writes no snapshot more, and resolves when none is being written. */
  stopSaving(): Promise<void> {
    return this.metadata.stop();
  }

  /** Logs what nobody waits for and went wrong. */
  report(what: string, error: unknown): void {
    logger.error(`conversation ${this.state.id}: ${what} failed`, errorStack(error));
  }
}
