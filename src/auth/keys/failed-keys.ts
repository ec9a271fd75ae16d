import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { HttpException, HttpStatus, Injectable, Logger } from '@nestjs/common';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { AppConfig } from '../../config/index.js';

const WINDOW_SECONDS = 60;
/** Addresses share this many counters, so that somebody with many addresses cannot fill the memory. */
const COUNTERS = 4096;
/** More addresses than this are not named in the log. */
const MAX_REPORTED = 100;
/**
 * So many addresses that have shown a right key are remembered; of more, those seen longest ago are
 * forgotten.
 */
const MAX_KNOWN = 10_000;

/**
 * Counts wrong keys for each client, whatever they were sent for: requests, sockets, the set-up of a waiting
 * server. Past `max_failed_keys_per_minute` a client has to wait, and until then no key of it is accepted:
 * otherwise the answers would still tell it when it has guessed one. An address that has shown a right key
 * before is an exception for right keys: behind a proxy all clients may have one address, and one that is
 * misconfigured must not shut out the others.
 */
@Injectable()
export class FailedKeys {
  private readonly logger = new Logger('Auth');
  private readonly salt = randomBytes(16);
  private readonly reported = new Set<string>();
  private readonly counters: RateLimiterMemory;
  /** Counters that are over the limit, and until when (ms, `performance.now()`). */
  private readonly blocked = new Map<string, number>();
  /** Addresses that have shown a right key, in the order in which they first did. */
  private readonly known = new Set<string>();

  constructor(private readonly config: AppConfig) {
    this.counters = new RateLimiterMemory({
      points: config.max_failed_keys_per_minute,
      duration: WINDOW_SECONDS,
    });
  }

  /**
   * Counts a wrong key.
   * @returns seconds that the client has to wait; undefined while it may try again
   */
  async add(request: IncomingMessage): Promise<number | undefined> {
    const limit = this.config.max_failed_keys_per_minute;
    if (limit === 0) return undefined;
    const address = clientAddress(request, this.config.trust_forwarded_headers);
    const counter = this.counterOf(address);
    const { consumedPoints, msBeforeNext } = await this.counters.penalty(counter);
    if (consumedPoints <= limit) return undefined;
    this.report(address, limit);
    // The system's clock may have been set back.
    const wait = Math.min(Math.max(1, Math.ceil(msBeforeNext / 1000)), WINDOW_SECONDS);
    this.blocked.set(counter, performance.now() + wait * 1000);
    return wait;
  }

  /**
   * To be asked about a right key, before it is accepted.
   * @returns seconds that the client has to wait; undefined: the key is accepted
   */
  accept(request: IncomingMessage): number | undefined {
    const address = clientAddress(request, this.config.trust_forwarded_headers);
    if (this.known.has(address)) return undefined;
    const counter = this.counterOf(address);
    const left = (this.blocked.get(counter) ?? 0) - performance.now();
    if (left > 0) return Math.ceil(left / 1000);
    this.blocked.delete(counter);
    const [oldest] = this.known;
    if (oldest !== undefined && this.known.size >= MAX_KNOWN) this.known.delete(oldest);
    this.known.add(address);
    return undefined;
  }

  /** The address as one of the counters; which of them share one is not known to clients. */
  private counterOf(address: string): string {
    const digest = createHmac('sha256', this.salt).update(networkOf(address)).digest();
    return String(digest.readUInt32BE() % COUNTERS);
  }

  private report(address: string, limit: number): void {
    if (this.reported.has(address) || this.reported.size >= MAX_REPORTED) return;
    this.reported.add(address);
    this.logger.warn(`more than ${limit} wrong keys in a minute from ${address}: answered with 429 for now`);
  }
}

/** Tells a client that has shown too many wrong keys to wait. */
export class TooManyFailedKeysException extends HttpException {
  constructor(readonly retryAfterSeconds: number) {
    super(
      { detail: `Too many wrong keys. Retry in ${retryAfterSeconds} seconds.` },
      HttpStatus.TOO_MANY_REQUESTS,
    );
  }
}

/**
 * The address of a client. Of a proxy that is trusted, the last one in `X-Forwarded-For`: it is what the
 * proxy itself has seen, those before it are the client's own words.
 */
function clientAddress({ headers, socket }: IncomingMessage, trustsProxy: boolean): string {
  const forwarded = trustsProxy ? headers['x-forwarded-for'] : undefined;
  const last = forwarded?.toString().split(',').at(-1)?.trim();
  const address = last !== undefined && isIP(last) !== 0 ? last : (socket.remoteAddress ?? 'unknown');
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Whoever has an IPv6 address has a network of 64 bits of them. */
function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill('0');
  const all = [...groups, ...zeros, ...rest];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
