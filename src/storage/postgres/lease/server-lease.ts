import { randomUUID } from 'node:crypto';
import os from 'node:os';
import { Logger } from '@nestjs/common';
import { errorMessage } from '../../../errors/index.js';
import { MAX_TIMER_MS, withTimeout } from '../../../flow/index.js';
import type { AddressProofs } from '../../../crypto/index.js';
import type { ServerFacts } from '../../server-directory.js';
import type { Queryable } from '../database/connections.js';
import { FORGET_SERVERS, HEARTBEAT, LEAVE } from './lease-statements.js';

/** A heartbeat that failed is repeated after this part of the lease, but not later than after a second. */
const RETRY_PART = 1 / 20;
const MAX_RETRY_MS = 1000;
/**
 * How long a server that was frozen may take to renew its lease before it gives all up (part of the lease).
 */
const GRACE_PART = 1 / 10;
/** So many heartbeats after the end of a lease, others may still be taking what it held. */
const CHECKS_AFTER_GAP = 3;

/** What the row of a server says about it, and for how long. */
interface ServerLeaseOptions {
  leaseSeconds: number;
  url: string | null;
  /** Signs the address; undefined without a key. */
  proofs: AddressProofs | undefined;
  /** The process on its machine (`ownProcess`); undefined if that is not known. */
  process: string | undefined;
}

/** Called with whether the lease is new, so that what it covers may have been taken meanwhile. */
type OnRenewed = (hadEnded: boolean) => void;

/**
 * The lease of this server: its row in the database, renewed by a heartbeat. Other servers judge it by the
 * database's clock. This server counts from before it sent a heartbeat, so it stops before others take over.
 *
 * Others are taken over only by a server whose own lease has not ended for the time of a lease, so that an
 * outage of the database, or a change of its clock, takes nothing from servers that have not renewed yet.
 */
export class ServerLease {
  /** Differs for each start of a process. */
  readonly id = randomUUID();
  private readonly logger = new Logger('Cluster');
  private readonly leaseMs: number;
  /**
   * When the lease ends: by the monotonic clock, and by the wall clock, which also counts a suspended host.
   */
  private end = { monotonic: -Infinity, wall: -Infinity };
  private running: { at: number; result: Promise<void> } | undefined;
  private hasRow = false;
  private takesAfter: string | undefined;
  private checks = 0;
  private beatTimer: NodeJS.Timeout | undefined;
  private endTimer: NodeJS.Timeout | undefined;
  private isStopped = false;
  /** The last heartbeat failed. */
  private isFailing = false;
  private facts: () => ServerFacts = () => ({ version: '', running: 0, maxRunning: 0 });
  private readonly endListeners: (() => void)[] = [];
  private readonly renewalListeners: OnRenewed[] = [];

  constructor(
    private readonly control: Queryable,
    private readonly options: ServerLeaseOptions,
  ) {
    this.leaseMs = options.leaseSeconds * 1000;
  }

  /** Whether nobody can have taken over what this server owns. */
  get isLive(): boolean {
    return performance.now() < this.end.monotonic && Date.now() < this.end.wall;
  }

  /** False after the end of the lease, until what it covered was checked often enough. */
  get isCertain(): boolean {
    return this.isLive && this.checks === 0;
  }

  /** What the row says about this server: at once, and with each heartbeat. */
  report(facts: () => ServerFacts): void {
    this.facts = facts;
    // A failure is logged, and the next heartbeat says it.
    void this.renew().catch(() => undefined);
  }

  /** Calls `listener` each time the lease ends unless it could be renewed at once. */
  onEnd(listener: () => void): void {
    this.endListeners.push(listener);
  }

  /** Calls `listener` after each heartbeat. */
  onRenewed(listener: OnRenewed): void {
    this.renewalListeners.push(listener);
  }

  /** Renews the lease now. Callers at the same time share one heartbeat. @throws StorageFailedError */
  renew(): Promise<void> {
    this.running ??= this.startBeat();
    return this.running.result;
  }

  /** Resolves when the lease is held. @throws StorageFailedError */
  async ensure(): Promise<void> {
    if (!this.isLive) await this.renew();
  }

  /** Sends no more heartbeats; resolves when none is being sent. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.beatTimer);
    clearTimeout(this.endTimer);
    await this.running?.result.catch(() => undefined);
  }

  /** Ends the lease, so that others need not wait for its end. Call it after `stop`. */
  async leave(): Promise<void> {
    this.end = { monotonic: -Infinity, wall: -Infinity };
    if (this.hasRow) await this.control.query(LEAVE, [this.id]);
  }

  private startBeat(): { at: number; result: Promise<void> } {
    const at = performance.now();
    const result = this.beat(at, Date.now()).finally(() => (this.running = undefined));
    // Who waits for it gets the failure.
    result.catch(() => undefined);
    return { at, result };
  }

  private async beat(sentAt: number, wallAt: number): Promise<void> {
    clearTimeout(this.beatTimer);
    const { version, running, maxRunning } = this.facts();
    const { url, leaseSeconds, proofs, process } = this.options;
    const proof = proofs?.write(this.id, url, this.leaseMs) ?? null;
    const facts = [version, leaseSeconds, running, maxRunning];
    const values = [this.id, url, os.hostname(), ...facts, this.hasRow, proof, process ?? null];
    try {
      const { rows } = await this.control.query<{ takes_after: string }>(HEARTBEAT, values);
      this.renewed(sentAt, wallAt, rows[0]?.takes_after);
      this.beatAfter(sentAt + this.leaseMs / 3 - performance.now());
    } catch (error) {
      if (!this.isFailing)
        this.logger.warn(`the heartbeat to the database failed, it is repeated: ${errorMessage(error)}`);
      this.isFailing = true;
      this.beatAfter(Math.min(this.leaseMs * RETRY_PART, MAX_RETRY_MS));
      throw error;
    }
  }

  private renewed(sentAt: number, wallAt: number, takesAfter: string | undefined): void {
    // Also by the database's judgement: its clock may have been changed.
    const hadEnded = this.hasRow && (!this.isLive || takesAfter !== this.takesAfter);
    if (hadEnded) this.checks = CHECKS_AFTER_GAP;
    const isUncertain = this.checks > 0;
    if (isUncertain) this.checks -= 1;
    this.hasRow = true;
    this.isFailing = false;
    this.takesAfter = takesAfter;
    this.end = { monotonic: sentAt + this.leaseMs, wall: wallAt + this.leaseMs };
    if (this.isStopped) return;
    this.watchEnd();
    for (const listener of this.renewalListeners) listener(isUncertain);
  }

  private watchEnd(): void {
    clearTimeout(this.endTimer);
    const left = Math.min(this.end.monotonic - performance.now(), this.end.wall - Date.now());
    const ms = Math.max(1, Math.min(left, MAX_TIMER_MS));
    this.endTimer = setTimeout(() => {
      // Timers count whole milliseconds: most of them are early by a part of one.
      if (this.isLive) this.watchEnd();
      else void this.ended();
    }, ms).unref();
  }

  /**
   * The lease was not renewed in time. After a freeze (of the process, its host) one attempt is made first:
   * perhaps nobody has taken anything. A heartbeat that was sent before tells nothing.
   */
  private async ended(): Promise<void> {
    const attempt = this.running ?? { at: performance.now(), result: this.renew() };
    if (attempt.at >= this.end.monotonic) {
      const grace = Math.max(100, this.leaseMs * GRACE_PART);
      await withTimeout(attempt.result, grace, () => undefined).catch(() => undefined);
    }
    if (this.isLive || this.isStopped) return;
    this.logger.error(
      'the lease of this server has ended: the database was not reached in time. Its conversations are closed; other servers may take them',
    );
    for (const listener of this.endListeners) listener();
  }

  private beatAfter(ms: number): void {
    if (this.isStopped) return;
    this.beatTimer = setTimeout(() => void this.renew().catch(() => undefined), Math.max(0, ms)).unref();
  }
}

/** Forgets servers that are gone for long. */
export async function forgetServers(control: Queryable): Promise<void> {
  await control.query(FORGET_SERVERS);
}
