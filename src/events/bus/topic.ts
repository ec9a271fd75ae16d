import type { EventSubscriber } from './event-bus.js';

/** Subscribers are called for at most this long (ms) before the event loop gets a turn. */
const SLICE_MS = 4;
/** This many subscribers are called before the clock is checked for the first time. */
const FIRST_CHECK_AFTER = 4;
/** After that the clock is checked each time this many subscribers were called ... */
const CHECK_EVERY = 16;
/**
 * ... or after each one while a check finds that this many ms have passed: a frame of a megabyte takes two.
 */
const SLOW_MS = 0.5;
/** With more calls queued the topic stops yielding, so that the queue cannot grow without bound. */
const MAX_QUEUED = 100;

type Call = (subscriber: EventSubscriber) => void;

/**
 * The subscribers of one topic. Writing to a thousand sockets would block the event loop for too long, so
 * calls are made in slices. Each subscriber receives everything in order from the moment at which it
 * subscribed. A small number of subscribers is called before `publish` returns.
 */
export class Topic {
  /** The subscribers, with the number of the first call that each receives. */
  private readonly subscribers = new Map<EventSubscriber, number>();
  private readonly queue: Call[] = [];
  /** Number of the first call in the queue. */
  private firstQueued = 0;
  /** Subscribers that have not received that call yet. */
  private remaining: Iterator<[EventSubscriber, number]> | undefined;
  private next: NodeJS.Immediate | undefined;
  private isWorking = false;
  private outputSubscribers = 0;

  /**
   * @param report called with the errors of subscribers: a broken one must not keep the event from the others
   */
  constructor(private readonly report: (error: unknown) => void) {}

  get size(): number {
    return this.subscribers.size;
  }

  get hasOutputSubscribers(): boolean {
    return this.outputSubscribers > 0;
  }

  add(subscriber: EventSubscriber): void {
    if (subscriber.onOutput && !this.subscribers.has(subscriber)) this.outputSubscribers += 1;
    this.subscribers.set(subscriber, this.firstQueued + this.queue.length);
  }

  delete(subscriber: EventSubscriber): void {
    if (this.subscribers.delete(subscriber) && subscriber.onOutput) this.outputSubscribers -= 1;
  }

  publish(call: Call): void {
    this.queue.push(call);
    if (this.isWorking) return;
    if (!this.next) this.drain(SLICE_MS);
    else if (this.queue.length > MAX_QUEUED) this.drain(Infinity);
  }

  /** Calls all subscribers now, ahead of the queue. */
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

  /** @returns false if the time was up before all subscribers were called */
  private deliver(call: Call, end: number): boolean {
    // A Map iterator includes entries added during the iteration and skips deleted ones.
    const rest = (this.remaining ??= this.subscribers.entries());
    let lastCheck = performance.now();
    for (let untilCheck = FIRST_CHECK_AFTER; ; untilCheck -= 1) {
      if (untilCheck === 0) {
        const now = performance.now();
        if (now > end) return false;
        untilCheck = now - lastCheck > SLOW_MS ? 1 : CHECK_EVERY;
        lastCheck = now;
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
