import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Principal } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import { DomainError, errorMessage } from '../errors/index.js';
import { settlesWithin } from '../flow/index.js';
import { meters } from '../meters/index.js';
import { AuditLog, type AuditEntry, type AuditOutcome } from '../storage/index.js';
import { RefusalCounts } from './refusal-counts.js';

/** How long entries wait for others, to be written together (ms). */
const GATHER_MS = 50;
/** Entries of one write. */
const MAX_BATCH = 500;
/** Entries that wait for a log that cannot be written; further ones are lost. */
const MAX_WAITING = 10_000;
/** Between two attempts to write what could not be written (ms). */
const RETRY_MS = 2_000;
/** How often old entries are removed (ms). */
const SWEEP_MS = 3_600_000;
/** At most so often the log says that entries cannot be written (ms). */
const REPORT_MS = 60_000;
/** Time for the last entries at the end of the server (ms). */
const LAST_WRITE_MS = 2_000;
/** Longer names are cut: a line has a bounded length (characters). */
const MAX_NAME = 200;

/** Something that was done, or refused, for a client. */
export interface AuditedAct {
  /** Undefined without a valid key. */
  principal: Pick<Principal, 'id' | 'name'> | undefined;
  address: string | undefined;
  /** The `operationId` of the API document, or a name such as `Socket_message`. */
  operation: string;
  conversationId?: string;
  /** Of the HTTP answer, or what it would have been; null if the client left before the answer. */
  status: number | null;
  /** When it began (ms since the epoch). */
  startedAt: number;
  durationMs: number;
}

/** The audit log cannot be written, and `audit_required` is set. */
class AuditUnavailableError extends DomainError {
  override readonly name = 'AuditUnavailableError';
  readonly kind = 'unavailable';
  constructor() {
    super(
      'The audit log cannot be written at the moment, and nothing may be changed without it (audit_required)',
    );
  }
}

/**
 * Writes the audit log in the background, many entries at a time. While it cannot be written, entries wait in
 * memory up to a bound.
 */
@Injectable()
export class AuditTrail implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Audit');
  private readonly refusals = new RefusalCounts((entry) => this.add(entry));
  private waiting: AuditEntry[] = [];
  private writing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private sweeper: NodeJS.Timeout | undefined;
  private isFailing = false;
  private lost = 0;
  private reportedAt = -Infinity;

  constructor(
    private readonly log: AuditLog,
    private readonly config: AppConfig,
  ) {}

  onModuleInit(): void {
    this.sweeper = setInterval(() => void this.sweep(), SWEEP_MS).unref();
    void this.sweep();
  }

  /** Entries that wait to be written. */
  get backlog(): number {
    return this.waiting.length;
  }

  /** Records what was done, once its outcome is known. Never throws. */
  record(act: AuditedAct): void {
    const entry = entryOf(act);
    // Whoever has no key can also leave before the refusal, as often as it likes.
    if (entry.outcome === 'refused' || entry.key_id === null) this.refusals.add(entry);
    else this.add(entry);
  }

  /**
   * Call before something is changed. Does nothing unless `audit_required` is set.
   * @throws AuditUnavailableError while entries cannot be written
   */
  async assertWritable(): Promise<void> {
    if (!this.config.audit_required) return;
    if (this.isFailing) await this.write();
    if (this.isFailing) throw new AuditUnavailableError();
  }

  /** After the last request and socket. */
  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.sweeper);
    this.refusals.close();
    await settlesWithin(this.write(), LAST_WRITE_MS);
    clearTimeout(this.timer);
    if (this.waiting.length > 0) this.lose(this.waiting.splice(0).length);
    await this.log.close();
  }

  private add(entry: AuditEntry): void {
    if (this.waiting.length >= MAX_WAITING) return this.lose(1);
    this.waiting.push(entry);
    this.writeSoon(this.config.audit_required ? 0 : GATHER_MS);
  }

  private writeSoon(ms: number): void {
    if (this.writing) return;
    this.timer ??= setTimeout(() => void this.write(), ms).unref();
  }

  private write(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing ??= this.writeAll().finally(() => {
      this.writing = undefined;
      if (this.waiting.length > 0) this.writeSoon(this.isFailing ? RETRY_MS : GATHER_MS);
    });
    return this.writing;
  }

  private async writeAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, MAX_BATCH);
      try {
        await this.log.append(batch);
      } catch (error) {
        this.failed(error);
        return;
      }
      this.waiting.splice(0, batch.length);
      meters.auditEntries.add(batch.length);
      if (this.isFailing) this.recovered();
    }
  }

  private failed(error: unknown): void {
    this.isFailing = true;
    meters.auditFailures.add();
    const now = performance.now();
    if (now - this.reportedAt < REPORT_MS) return;
    this.reportedAt = now;
    const effect = this.config.audit_required
      ? 'operations that change something are refused until it can (audit_required)'
      : `operations go on; ${this.waiting.length} entries wait`;
    this.logger.error(`the audit log cannot be written: ${effect}: ${errorMessage(error)}`);
  }

  private recovered(): void {
    this.isFailing = false;
    this.reportedAt = -Infinity;
    const { lost } = this;
    this.lost = 0;
    this.logger.log(`the audit log is written again${lost > 0 ? `; ${lost} entries are lost` : ''}`);
  }

  private lose(count: number): void {
    this.lost += count;
    meters.auditLost.add(count);
  }

  private async sweep(): Promise<void> {
    try {
      await this.log.sweep();
    } catch (error) {
      this.logger.warn(`old entries of the audit log were not removed: ${errorMessage(error)}`);
    }
  }
}

function entryOf(act: AuditedAct): AuditEntry {
  const { principal, address = null, operation, conversationId = null, status } = act;
  return {
    id: randomUUID(),
    time: new Date(act.startedAt).toISOString(),
    key_id: principal?.id ?? null,
    key_name: principal?.name.slice(0, MAX_NAME) ?? null,
    address: address?.slice(0, MAX_NAME) ?? null,
    operation,
    conversation_id: conversationId,
    outcome: outcomeOf(status),
    status,
    duration_ms: Math.round(act.durationMs),
    count: 1,
  };
}

/** Statuses of answers to keys that are wrong, have no right, or have reached a limit. */
const REFUSED = new Set([401, 403, 429]);

function outcomeOf(status: number | null): AuditOutcome {
  if (status === null) return 'failed';
  if (REFUSED.has(status)) return 'refused';
  return status < 400 ? 'done' : 'failed';
}
