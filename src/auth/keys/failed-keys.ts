import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { HttpException, HttpStatus, Injectable, Logger } from '@nestjs/common';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { AppConfig } from '../../config/index.js';
import { clientAddress, networkOf } from '../origins/client-address.js';

const WINDOW_SECONDS = 60;
/** Addresses share this many counters, so that a client with many addresses cannot exhaust the memory. */
const COUNTERS = 4096;
/** Most addresses that are named in the log. */
const MAX_REPORTED = 100;
/** Most valid keys, each with an address, that are remembered; the oldest ones are forgotten first. */
const MAX_KNOWN = 10_000;

/**
 * Counts wrong keys per client, for requests, sockets and the set-up of a waiting server. A client that
 * exceeds `max_failed_keys_per_minute` must wait. Until then even valid keys are refused: otherwise the
 * answers would reveal a correct guess. A valid key is still accepted from an address that has sent this very
 * one before: behind a proxy all clients may share an address, and one misconfigured client must not lock out
 * the others. Another one is not, or whoever has a key could guess those of others without end.
 */
@Injectable()
export class FailedKeys {
  private readonly logger = new Logger('Auth');
  private readonly salt = randomBytes(16);
  private readonly reported = new Set<string>();
  private readonly counters: RateLimiterMemory;
  /** Counters over the limit, with the end of their block (ms, `performance.now()`). */
  private readonly blocked = new Map<string, number>();
  /** The valid keys that addresses have sent, in order of the first one. */
  private readonly known = new Set<string>();

  constructor(private readonly config: AppConfig) {
    this.counters = new RateLimiterMemory({
      points: config.max_failed_keys_per_minute,
      duration: WINDOW_SECONDS,
    });
  }

  /**
   * Counts a wrong key.
   * @returns seconds that the client must wait; undefined while it may try again
   */
  async add(request: IncomingMessage): Promise<number | undefined> {
    const limit = this.config.max_failed_keys_per_minute;
    if (limit === 0) return undefined;
    const address = this.addressOf(request);
    const counter = this.counterOf(address);
    const { consumedPoints, msBeforeNext } = await this.counters.penalty(counter);
    if (consumedPoints <= limit) return undefined;
    this.report(address, limit);
    // The system clock may have been set back.
    const wait = Math.min(Math.max(1, Math.ceil(msBeforeNext / 1000)), WINDOW_SECONDS);
    this.blocked.set(counter, performance.now() + wait * 1000);
    return wait;
  }

  /**
   * Call with a valid key before it is accepted.
   * @param keyId the id of its principal
   * @returns seconds that the client must wait; undefined when the key is accepted
   */
  accept(request: IncomingMessage, keyId: string): number | undefined {
    const address = this.addressOf(request);
    const sent = `${keyId} ${address}`;
    if (this.known.has(sent)) return undefined;
    const counter = this.counterOf(address);
    const left = (this.blocked.get(counter) ?? 0) - performance.now();
    if (left > 0) return Math.ceil(left / 1000);
    this.blocked.delete(counter);
    const [oldest] = this.known;
    if (oldest !== undefined && this.known.size >= MAX_KNOWN) this.known.delete(oldest);
    this.known.add(sent);
    return undefined;
  }

  /** Whether a key may be checked that takes work to check: its client does not have to wait now. */
  mayTry(request: IncomingMessage, keyId: string): boolean {
    const address = this.addressOf(request);
    if (this.known.has(`${keyId} ${address}`)) return true;
    return (this.blocked.get(this.counterOf(address)) ?? 0) <= performance.now();
  }

  private addressOf(request: IncomingMessage): string {
    return clientAddress(request, this.config.trust_forwarded_headers) ?? 'unknown';
  }

  /** The counter of an address. Clients cannot predict which addresses share one. */
  private counterOf(address: string): string {
    const digest = createHmac('sha256', this.salt).update(networkOf(address)).digest();
    return String(digest.readUInt32BE() % COUNTERS);
  }

  private report(address: string, limit: number): void {
    if (this.reported.has(address) || this.reported.size >= MAX_REPORTED) return;
    this.reported.add(address);
    this.logger.warn(
      `more than ${limit} wrong keys in a minute from ${address}: its requests are answered with 429 for now`,
    );
  }
}

/** A client has sent too many wrong keys and must wait. */
export class TooManyFailedKeysException extends HttpException {
  constructor(readonly retryAfterSeconds: number) {
    super(
      { detail: `Too many wrong keys. Retry in ${retryAfterSeconds} seconds.` },
      HttpStatus.TOO_MANY_REQUESTS,
    );
  }
}
