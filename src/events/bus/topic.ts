import type { EventSubscriber } from './event-bus.js';

/** Handing out may take so long at a time (ms); then it is the turn of what else there is to do. */
const SLICE_MS = 4;
/** So many subscribers are told in any case, before the clock is looked at for the first time. */
const FIRST_CHECK_AFTER = 4;
/** Then it is looked at after so many... */
const CHECK_EVERY = 16;
/** ... or after each, where telling some took longer than this (ms): a megabyte for one socket takes two. */
const SLOW_MS = 0.5;
/** With more than this waiting there is no more yielding: what is published must not pile up. */
const MAX_QUEUED = 100;

type Call = (subscriber: EventSubscriber) => void;

/**
 * The subscribers of one topic. A thousand writes to sockets take longer than a request should have to wait,
 * so they are done in slices; each subscriber gets everything in order from the moment at which it came. Few
 * subscribers are told before `publish` returns.
 */
export class Topic {
  /** Who listens, and the number of the first call that is for him. */
  private readonly subscribers = new Map<EventSubscriber, number>();
  private readonly queue: Call[] = [];
  /** Number of the first call that waits. */
  private firstQueued = 0;
  /** Who still has to get that one. */
  private remaining: Iterator<[EventSubscriber, number]> | undefined;
  private next: NodeJS.Immediate | undefined;
  private isWorking = false;

  /**
   * @param report told of what a subscriber throws: one that is broken must not take the event from the
   * others
   */
  constructor(private readonly report: (error: unknown) => void) {}

  get size(): number {
    return this.subscribers.size;
  }

  add(subscriber: EventSubscriber): void {
    this.subscribers.set(subscriber, this.firstQueued + this.queue.length);
  }

  delete(subscriber: EventSubscriber): void {
    this.subscribers.delete(subscriber);
  }

  publish(call: Call): void {
    this.queue.push(call);
    if (this.isWorking) return;
    if (!this.next) this.drain(SLICE_MS);
    else if (this.queue.length > MAX_QUEUED) this.drain(Infinity);
  }

  /** Tells all of them now, beside the order of what is published. */
  callAll(call: Call): void {
    for (const subscriber of this.subscribers.keys()) this.callOne(subscriber, call);
  }

  private drain(forMs: number): void {
    clearImmediate(this.next);
    this.next = undefined;
    this.isWorking = true;
    const end = performance.now() + forMs;
    while (this.queue[0] && this.deliver(this.queue[0], end)) {
      this.queue.shift();
      this.firstQueued += 1;
    }
    this.isWorking = false;
    if (this.queue.length > 0) this.next = setImmediate(() => this.drain(SLICE_MS));
  }

  /** @returns false when its time is over before all have it */
  private deliver(call: Call, end: number): boolean {
    // Who subscribes meanwhile stands at the end of it, who leaves is not in it any more.
    const rest = (this.remaining ??= this.subscribers.entries());
    let lastLook = performance.now();
    for (let untilLook = FIRST_CHECK_AFTER; ; untilLook -= 1) {
      if (untilLook === 0) {
        const now = performance.now();
        if (now > end) return false;
        untilLook = now - lastLook > SLOW_MS ? 1 : CHECK_EVERY;
        lastLook = now;
      }
      const next = rest.next();
      if (next.done === true) break;
      const [subscriber, from] = next.value;
      if (from <= this.firstQueued) this.callOne(subscriber, call);
    }
    this.remaining = undefined;
    return true;
  }

  private callOne(subscriber: EventSubscriber, call: Call): void {
    try {
      call(subscriber);
    } catch (error) {
      this.report(error);
    }
  }
}
