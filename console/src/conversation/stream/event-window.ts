import { sizeOf, type WireEvent } from './wire-event.js';

/** Most events that are kept, and about how much memory they take (characters). */
const MAX_EVENTS = 1500;
const MAX_SIZE = 48 * 1024 * 1024;

/** A contiguous part of a log, bounded in number and size. Each change makes a new list. */
export class EventWindow {
  private readonly ids = new Set<string>();
  private readonly sizes = new WeakMap<WireEvent, number>();
  private list: readonly WireEvent[] = [];
  private size = 0;
  /** The number of the first event in the log; undefined until an event with a number was seen. */
  private base: number | undefined;

  constructor(
    private readonly maxEvents = MAX_EVENTS,
    private readonly maxSize = MAX_SIZE,
  ) {}

  get events(): readonly WireEvent[] {
    return this.list;
  }

  /** The number of the event after the last one; undefined if it is not known. */
  get end(): number | undefined {
    return this.base === undefined ? undefined : this.base + this.list.length;
  }

  get start(): number | undefined {
    return this.base;
  }

  get isFull(): boolean {
    return this.list.length >= this.maxEvents || this.size >= this.maxSize;
  }

  has(id: string): boolean {
    return this.ids.has(id);
  }

  /** Replaces everything. @param end the number of the event after the last one, if it is known */
  reset(events: readonly WireEvent[], end?: number): void {
    this.ids.clear();
    this.size = 0;
    this.list = [];
    this.base = end === undefined ? undefined : end - events.length;
    this.add(events);
    this.list = [...events];
  }

  /** Learns the number of an event that is in the window. */
  locate(id: string, seq: number): void {
    if (this.base !== undefined) return;
    const index = this.list.findIndex((event) => event.id === id);
    if (index >= 0) this.base = seq - index;
  }

  /** Adds events at the end; those that are there are left out. */
  append(events: readonly WireEvent[]): void {
    const further = events.filter((event) => !this.ids.has(event.id));
    if (further.length === 0) return;
    this.add(further);
    this.list = [...this.list, ...further];
  }

  /** Adds events before the first one; those that are there are left out. */
  prepend(events: readonly WireEvent[]): void {
    const further = events.filter((event) => !this.ids.has(event.id));
    if (further.length === 0) return;
    this.add(further);
    this.list = [...further, ...this.list];
    if (this.base !== undefined) this.base -= further.length;
  }

  /** Removes events from one side until the bounds are kept. @returns whether any were removed */
  trim(side: 'start' | 'end'): boolean {
    let from = 0;
    let to = this.list.length;
    while (to - from > 1 && (to - from > this.maxEvents || this.size > this.maxSize)) {
      const removed = this.list[side === 'start' ? from++ : --to];
      if (removed === undefined) break;
      this.ids.delete(removed.id);
      this.size -= this.sizes.get(removed) ?? 0;
    }
    if (from === 0 && to === this.list.length) return false;
    this.list = this.list.slice(from, to);
    if (this.base !== undefined) this.base += from;
    return true;
  }

  private add(events: readonly WireEvent[]): void {
    for (const event of events) {
      const size = sizeOf(event);
      this.ids.add(event.id);
      this.sizes.set(event, size);
      this.size += size;
    }
  }
}
