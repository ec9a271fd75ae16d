import { Logger } from '@nestjs/common';
import { isBranchEvent } from '../../agent/index.js';
import { errorStack } from '../../errors/index.js';
import {
  createEvent,
  ROOT_PARENT,
  utcTimestamp,
  type DurableEvent,
  type EventDraft,
} from '../../events/index.js';
import { catalogueEntry, LeaseLostError, type EventLog, type LeaseFence } from '../../storage/index.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { EventSink } from './event-sink.js';
import { noAttention } from '../state/attention.js';
import { foldEvent, type ConversationState } from '../state/conversation-state.js';
import type { Lifecycle } from '../conversation/lifecycle.js';
import { LogWriter } from './log-writer.js';
import { tracedRead } from '../tracing/storage-spans.js';
import { MetadataWriter } from './metadata-writer.js';
import { ViewCache } from './view-cache.js';

/** Shared: a logger per open conversation would cost memory. */
const logger = new Logger('Conversation');

/** The log of an open conversation and the right to write to it. */
export interface OpenedStorage {
  readonly log: EventLog;
  readonly fence: LeaseFence;
}

/**
 * The single writer of one open conversation: its state, log and view. An event changes all three in one
 * synchronous step, in the order of the calls of `commit`.
 */
export class Journal implements EventSink {
  private readonly writer: LogWriter;
  private readonly metadata: MetadataWriter;
  readonly views: ViewCache;
  private onAppend: (event: DurableEvent) => void = () => undefined;
  /** Later events get later timestamps, even if the clock is set back. */
  private lastTimestamp: string;

  constructor(
    readonly state: ConversationState,
    private readonly storage: OpenedStorage,
    private readonly services: Pick<ConversationServices, 'bus' | 'catalogue' | 'secretCodec'>,
    readonly life: Lifecycle,
    /** Called once, when the log accepts no more events. */
    onBroken: (error: Error) => void,
  ) {
    const { log, fence } = storage;
    this.lastTimestamp = log.lastTimestamp;
    this.writer = new LogWriter(state.id, log, fence, services.bus, onBroken);
    // Another server writes now, so that what is in memory is outdated, also for readers.
    fence.onLost(() => this.writer.fail(new LeaseLostError(state.id)));
    this.metadata = new MetadataWriter(state, this.writer, fence, services);
    this.views = new ViewCache(log, this.writer, () => state.leaf_event_id);
  }

  /** How many events are durable and published: the seq of the next live event. */
  get length(): number {
    return this.writer.length;
  }

  /** For searches. Only events below `length` are durable and published. */
  get log(): EventLog {
    return this.storage.log;
  }

  /** Resolves when all events that the state reflects now are durable and published. */
  settled(): Promise<void> {
    return this.writer.settled();
  }

  readLines(fromSeq: number, limit: number): Promise<string[]> {
    return tracedRead('read_events', () => this.log.read(fromSeq, Math.min(limit, this.length - fromSeq)));
  }

  /** As `readLines`, in UTF-8 and up to so many bytes. */
  readBytes(fromSeq: number, limit: number, bytes: number): Promise<Buffer[]> {
    return this.log.readBytes(fromSeq, Math.min(limit, this.length - fromSeq), bytes);
  }

  /** Calls a listener with each event that changes the state, before it is durable. There is one listener. */
  setAppendListener(listener: (event: DurableEvent) => void): void {
    this.onAppend = listener;
  }

  /** State and view change at once; resolves when the events are durable and published. */
  async commit(drafts: readonly EventDraft[]): Promise<DurableEvent[]> {
    this.life.assertWritable();
    // Before the state changes: it must not contain what the log rejects.
    this.writer.assertWritable();
    const statusBefore = this.state.execution_status;
    const { submitted } = this.writer;
    const events = drafts.map((draft, index) => this.apply(draft, submitted + index));
    const written = this.writer.write(events);
    const entry = catalogueEntry(this.state);
    // The snapshot says `running` before the run does anything: that is how a restart finds interrupted runs.
    const starts = this.state.execution_status === 'running' && statusBefore !== 'running';
    const saved = starts ? this.save() : Promise.resolve();
    saved.catch((error: unknown) => this.report('save', error));
    await written;
    // Not before: others would see a status that the log may never have.
    this.services.catalogue.updateEntry(entry);
    await saved;
    return events;
  }

  /** Only the first event has no parent. A later root has `ROOT_PARENT`. */
  private apply(draft: EventDraft, seq: number): DurableEvent {
    const parent = this.state.leaf_event_id ?? (seq > 0 ? ROOT_PARENT : undefined);
    const event: DurableEvent = { ...createEvent(draft, this.lastTimestamp), parent_id: parent };
    this.lastTimestamp = event.timestamp;
    foldEvent(this.state, event);
    this.onAppend(event);
    if (isBranchEvent(event)) this.views.push(event);
    return event;
  }

  /** Makes another event the head, or none. Stored in the snapshot only; resolves when it is on disk. */
  async moveHead(head: string | null): Promise<void> {
    this.state.leaf_event_id = head;
    this.state.head_is_empty = head === null && this.length > 0;
    this.views.drop();
    // What was said last on the other branch is no longer waited for.
    this.state.attention = noAttention(utcTimestamp());
    await this.saveChange();
  }

  /** Saves a snapshot of the state that is at least as new as this call. */
  save(): Promise<void> {
    return this.metadata.save();
  }

  /** As `save`, for a change without an event: sets `updated_at`. */
  saveChange(): Promise<void> {
    this.markChanged();
    return this.metadata.save();
  }

  /** Saves a snapshot within a second. @param changed sets `updated_at` */
  saveSoon(changed: boolean): void {
    if (changed) this.markChanged();
    this.metadata.saveSoon((error) => this.report('save', error));
  }

  private markChanged(): void {
    this.metadata.markChanged();
    this.services.bus.publishUpdate(this.state.id);
  }

  /** Writes no more snapshots; resolves when none is being written. */
  stopSaving(): Promise<void> {
    return this.metadata.stop();
  }

  /** The number of the first event with this timestamp or a later one; without one, the length of the log. */
  async firstSince(timestampGte: string): Promise<number> {
    const { length } = this;
    // The log is unsorted if the clock was set back, so this is a search.
    const range = { from: 0, descending: false, length, limit: 1 };
    const [seq] = await this.log.select({ timestampGte }, range);
    return seq ?? length;
  }

  /** Logs a failure that no caller gets. */
  report(what: string, error: unknown): void {
    logger.error(`conversation ${this.state.id}: ${what} failed`, errorStack(error));
  }
}
