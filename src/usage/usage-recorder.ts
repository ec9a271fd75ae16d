import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { errorMessage } from '../errors/index.js';
import { EventBus, type PublishedEvent } from '../events/index.js';
import { SerialQueue, settlesWithin } from '../flow/index.js';
import { ReservedConversations, toUsageEntry, UsageLedger, type UsageEntry } from '../storage/index.js';
import { callIn, callOf, type OutsideCall } from './model-call.js';

/** How long entries wait for others, to be written together (ms). */
const GATHER_MS = 200;
/** Between two attempts to write what could not be written (ms). */
const RETRY_MS = 5_000;
/** Entries of one write. */
const MAX_BATCH = 500;
/** Entries that wait for a ledger that cannot be written; further ones come from the logs. */
const MAX_WAITING = 50_000;
/** Time for the last entries at the end of the server (ms). */
const LAST_WRITE_MS = 3_000;

/** Is told each call once it is in its conversation's log. Must not throw. */
export type CallListener = (entry: UsageEntry) => void;

/**
 * Writes the ledger: each call whose event has become durable, in the background and many at a time. What a
 * crash leaves out is in the logs, from which `UsageCatchUp` adds it.
 */
@Injectable()
export class UsageRecorder implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Usage');
  /** Writes, and reads that must not meet a half of a write. */
  private readonly turns = new SerialQueue();
  private readonly listeners: CallListener[] = [];
  private waiting: UsageEntry[] = [];
  private timer: NodeJS.Timeout | undefined;
  private unsubscribe: () => void = () => undefined;
  private isFailing = false;
  private isIncomplete = false;

  constructor(
    private readonly ledger: UsageLedger,
    private readonly bus: EventBus,
    private readonly reserved: ReservedConversations,
  ) {}

  onModuleInit(): void {
    this.unsubscribe = this.bus.subscribe('*', { onEvent: (published) => this.onEvent(published) });
  }

  /** Entries that wait to be written. */
  get backlog(): readonly UsageEntry[] {
    return this.waiting;
  }

  /** Whether entries were left out that only the logs have. Asking resets it. */
  takeIncomplete(): boolean {
    const { isIncomplete } = this;
    this.isIncomplete = false;
    return isIncomplete;
  }

  /** Tells all calls from now on. */
  listen(listener: CallListener): void {
    this.listeners.push(listener);
  }

  /** Adds a call. Never throws. */
  add(entry: UsageEntry): void {
    for (const listener of this.listeners) listener(entry);
    if (this.waiting.length >= MAX_WAITING) {
      this.isIncomplete = true;
      return;
    }
    this.waiting.push(entry);
    this.writeSoon(this.isFailing ? RETRY_MS : GATHER_MS);
  }

  /** Adds a call outside of conversations, as of now. A crash in the next moment loses it. Never throws. */
  addOutside(call: OutsideCall): void {
    const entry = toUsageEntry({ ...call, id: randomUUID(), time: new Date().toISOString() });
    if (entry) this.add(entry);
  }

  /** Reads the ledger between two writes; `then` sees its answer before the next one. */
  read<T>(task: (ledger: UsageLedger) => Promise<T>): Promise<T> {
    return this.turns.run(() => task(this.ledger));
  }

  /** Resolves when the calls so far are in the ledger, or cannot be written. */
  async settled(): Promise<void> {
    await this.write();
  }

  async onApplicationShutdown(): Promise<void> {
    this.unsubscribe();
    await settlesWithin(this.write(), LAST_WRITE_MS);
    clearTimeout(this.timer);
    await this.ledger.close().catch((error: unknown) => this.report('closed', error));
  }

  /** The entry as it is stored, if it was read in the log of this conversation. */
  own(entry: UsageEntry, conversationId: string): UsageEntry {
    const owner = this.reserved.ownerOf(conversationId);
    return owner === undefined ? entry : callOf(entry, conversationId, owner);
  }

  private onEvent({ conversationId, event }: PublishedEvent): void {
    const entry = callIn(event);
    if (entry) this.add(this.own(entry, conversationId));
  }

  private writeSoon(ms: number): void {
    this.timer ??= setTimeout(() => void this.write(), ms).unref();
  }

  private write(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    return this.turns.run(() => this.writeAll());
  }

  private async writeAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, MAX_BATCH);
      try {
        await this.ledger.append(batch);
      } catch (error) {
        if (!this.isFailing) this.report('written', error);
        this.isFailing = true;
        this.writeSoon(RETRY_MS);
        return;
      }
      this.waiting.splice(0, batch.length);
      this.isFailing = false;
    }
  }

  private report(what: string, error: unknown): void {
    this.logger.error(`the ledger of usage cannot be ${what}: ${errorMessage(error)}`);
  }
}
