import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { clientAddress, networkOf } from '../../../auth/index.js';
import { AppConfig } from '../../../config/index.js';
import { LimitError } from '../../../errors/index.js';

const MINUTE_SECONDS = 60;
/** Refused deliveries of a network in a minute; after that all of its deliveries are, for the rest of it. */
const MAX_REFUSED_PER_MINUTE = 60;
/** Accepted deliveries of a source in a minute. */
const MAX_ACCEPTED_PER_MINUTE = 600;
/** Deliveries whose bodies arrive at the same time: of all networks, and of one. */
const MAX_ARRIVING = 16;
const MAX_ARRIVING_OF_NETWORK = 4;
/**
 * Further ones that wait for their turn, without their bodies: a push leads to a dozen deliveries at once,
 * and senders such as GitHub do not repeat one that was refused.
 */
const MAX_WAITING = 256;
const MAX_WAITING_OF_NETWORK = 64;
/** How long one waits (ms). Senders wait ten seconds for the answer. */
const WAIT_MS = 5_000;
/** Networks share this many counters, so that a client with many addresses cannot exhaust the memory. */
const COUNTERS = 4096;

/** A sender has sent too much. */
export class IntakeLimitError extends LimitError {
  override readonly name = 'IntakeLimitError';
  constructor(
    message: string,
    override readonly retryAfterSeconds: number,
  ) {
    super(message);
  }
}

/** A delivery that waits for its turn. */
interface Waiting {
  network: string;
  begin: () => void;
}

/**
 * Bounds what senders without a key may cost this server: wrong deliveries per network, deliveries that
 * arrive at the same time, and right ones per source. Each server of a cluster counts its own.
 */
@Injectable()
export class IntakeLimits {
  private readonly salt = randomBytes(16);
  private readonly refused = new RateLimiterMemory({
    points: MAX_REFUSED_PER_MINUTE,
    duration: MINUTE_SECONDS,
  });
  private readonly accepted = new RateLimiterMemory({
    points: MAX_ACCEPTED_PER_MINUTE,
    duration: MINUTE_SECONDS,
  });
  private readonly arriving = new Map<string, number>();
  private arrivingInAll = 0;
  /** In the order in which they came. */
  private readonly waiting = new Set<Waiting>();

  constructor(private readonly config: AppConfig) {}

  /**
   * Call before a body is read. Resolves when it may be.
   * @returns to be called when it was read
   * @throws IntakeLimitError
   */
  async enter(request: IncomingMessage): Promise<() => void> {
    const network = this.networkOf(request);
    const state = await this.refused.get(network);
    if (state !== null && state.consumedPoints > MAX_REFUSED_PER_MINUTE)
      throw new IntakeLimitError(
        'Too many deliveries were refused; retry later',
        secondsOf(state.msBeforeNext),
      );
    if (this.hasRoom(network)) this.count(network, 1);
    else await this.turn(network);
    return () => {
      this.count(network, -1);
      this.beginNext();
    };
  }

  /** Counts a delivery that was refused. */
  async refuse(request: IncomingMessage): Promise<void> {
    await this.refused.penalty(this.networkOf(request));
  }

  /** Counts a delivery with a valid signature. @throws IntakeLimitError */
  async accept(source: string): Promise<void> {
    const { consumedPoints, msBeforeNext } = await this.accepted.penalty(source);
    if (consumedPoints <= MAX_ACCEPTED_PER_MINUTE) return;
    const message = `A source may deliver ${MAX_ACCEPTED_PER_MINUTE} events a minute`;
    throw new IntakeLimitError(message, secondsOf(msBeforeNext));
  }

  private hasRoom(network: string): boolean {
    const own = this.arriving.get(network) ?? 0;
    return own < MAX_ARRIVING_OF_NETWORK && this.arrivingInAll < MAX_ARRIVING;
  }

  /** Waits until a delivery of the network may arrive, and counts it. @throws IntakeLimitError */
  private async turn(network: string): Promise<void> {
    const tooMany = new IntakeLimitError('Too many deliveries arrive at the same time; retry later', 1);
    const ofNetwork = [...this.waiting].filter((one) => one.network === network).length;
    if (this.waiting.size >= MAX_WAITING || ofNetwork >= MAX_WAITING_OF_NETWORK) throw tooMany;
    await new Promise<void>((resolve, reject) => {
      const one: Waiting = {
        network,
        begin: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.waiting.delete(one);
        reject(tooMany);
      }, WAIT_MS).unref();
      this.waiting.add(one);
    });
  }

  private beginNext(): void {
    for (const one of this.waiting) {
      if (this.arrivingInAll >= MAX_ARRIVING) return;
      if (!this.hasRoom(one.network)) continue;
      this.waiting.delete(one);
      this.count(one.network, 1);
      one.begin();
    }
  }

  private count(network: string, change: 1 | -1): void {
    const next = (this.arriving.get(network) ?? 0) + change;
    if (next > 0) this.arriving.set(network, next);
    else this.arriving.delete(network);
    this.arrivingInAll += change;
  }

  /** The counter of a network. Clients cannot predict which networks share one. */
  private networkOf(request: IncomingMessage): string {
    const address = clientAddress(request, this.config.trust_forwarded_headers) ?? 'unknown';
    const digest = createHmac('sha256', this.salt).update(networkOf(address)).digest();
    return String(digest.readUInt32BE() % COUNTERS);
  }
}

/** The system clock may have been set back. */
function secondsOf(ms: number): number {
  return Math.min(Math.max(1, Math.ceil(ms / 1000)), MINUTE_SECONDS);
}
