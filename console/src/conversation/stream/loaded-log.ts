import { signal, type ReadonlySignal } from '@preact/signals';
import { ApiError } from '../../api/api-error.js';
import { api, call } from '../../api/client.js';
import { readPage, type EventPage } from './event-pages.js';
import { EventWindow } from './event-window.js';
import type { WireEvent } from './wire-event.js';

/** Events around one that was asked for. */
const HALF_PAGE = 60;
/** Most messages that a search shows. */
const MAX_FOUND = 50;
/** Live events that are kept while a page is read. */
const MAX_RECENT = 1000;

/** An event and its number in the log. */
export interface NumberedEvent {
  seq: number;
  event: WireEvent;
}

/** What follows the log live. */
export interface LiveEnd {
  /** Hands over what has come and was not shown yet. */
  flush: () => void;
  /** The last event that came; undefined while its number is not known. */
  last: () => { id: string; seq: number } | undefined;
}

/** The part of a conversation's log that is in memory: bounded, and replaced or extended page by page. */
export class LoadedLog {
  private readonly eventsSignal = signal<readonly WireEvent[]>([]);
  private readonly atStartSignal = signal(false);
  private readonly atEndSignal = signal(true);
  private readonly loadingSignal = signal<'older' | 'newer' | null>(null);
  private readonly window = new EventWindow();
  /** Live events of the last moments, for a window that reaches the end while they come. */
  private recent: WireEvent[] = [];

  /** Whether the person is at the end: then old events leave the window, else new ones stay outside of it. */
  following = true;

  /** The loaded events, in order. */
  readonly events: ReadonlySignal<readonly WireEvent[]> = this.eventsSignal;
  /** Whether the first event of the log is loaded. */
  readonly atStart: ReadonlySignal<boolean> = this.atStartSignal;
  /** Whether the last event of the log is loaded. */
  readonly atEnd: ReadonlySignal<boolean> = this.atEndSignal;
  /** Which part is being loaded. */
  readonly loading: ReadonlySignal<'older' | 'newer' | null> = this.loadingSignal;

  /** @param id the conversation */
  constructor(
    private readonly id: string,
    private readonly live: LiveEnd,
  ) {}

  /**
   * Shows the end of the log.
   * @param page the last page, the newest event first
   * @param count the number of all events before the page was read
   */
  open(page: EventPage, count: number): void {
    const { events, next } = page;
    this.window.reset(events.toReversed(), count === 0 && events.length === 0 ? 0 : undefined);
    this.atStartSignal.value = next === null;
    this.atEndSignal.value = true;
    this.show();
  }

  /** Learns the number of the event after the last loaded one. */
  endsBefore(seq: number): void {
    this.window.reset(this.window.events, seq);
  }

  /** Takes events that came live. */
  take(frames: readonly NumberedEvent[]): void {
    const further: WireEvent[] = [];
    for (const { seq, event } of frames) {
      if (this.window.has(event.id)) this.window.locate(event.id, seq);
      // Until the number of an event is known, others of the replay are older than the window.
      else if (this.isAfterWindow(seq)) further.push(event);
    }
    this.recent = [...this.recent, ...further].slice(-MAX_RECENT);
    this.append(further);
  }

  /** Loads the page before the first loaded event. @throws ApiError */
  async loadOlder(): Promise<void> {
    const [first] = this.window.events;
    if (first === undefined || this.atStartSignal.peek() || this.loadingSignal.peek() !== null) return;
    await this.whileLoading('older', async () => {
      const { events, next } = await readPage(this.id, { from: first.id, isAfter: true, newestFirst: true });
      if (this.window.events[0] !== first) return;
      this.window.prepend(events.toReversed());
      this.atStartSignal.value = next === null;
      if (this.window.trim('end')) this.atEndSignal.value = false;
    });
  }

  /** Loads the page after the last loaded event. @throws ApiError */
  async loadNewer(): Promise<void> {
    const last = this.window.events.at(-1);
    if (last === undefined || this.atEndSignal.peek() || this.loadingSignal.peek() !== null) return;
    await this.whileLoading('newer', async () => {
      this.recent = [];
      const { events, next } = await readPage(this.id, { from: last.id, isAfter: true, newestFirst: false });
      if (this.window.events.at(-1) !== last) return;
      this.window.append(events);
      if (next === null) this.reachEnd();
      if (this.window.trim('start')) this.atStartSignal.value = false;
    });
  }

  /**
   * Loads the part of the log around an event.
   * @returns false if the conversation has no such event
   * @throws ApiError
   */
  async jumpTo(eventId: string): Promise<boolean> {
    if (this.window.has(eventId)) return true;
    return this.whileLoading('newer', async () => {
      const known = await call(
        api.GET('/api/conversations/{conversation_id}/events/{event_id}', {
          params: { path: { conversation_id: this.id, event_id: eventId } },
        }),
      ).catch((error: unknown) => {
        if (error instanceof ApiError && (error.status === 404 || error.status === 422)) return undefined;
        throw error;
      });
      if (known === undefined) return false;
      this.recent = [];
      const [older, newer] = await Promise.all([
        readPage(this.id, { from: eventId, newestFirst: true, limit: HALF_PAGE }),
        readPage(this.id, { from: eventId, newestFirst: false, limit: HALF_PAGE }),
      ]);
      this.following = false;
      this.window.reset(older.events.toReversed());
      this.window.append(newer.events);
      this.atStartSignal.value = older.next === null;
      this.atEndSignal.value = false;
      if (newer.next === null) this.reachEnd();
      return true;
    });
  }

  /** Loads the end of the log, unless it is loaded. @throws ApiError */
  async jumpToEnd(): Promise<void> {
    if (this.atEndSignal.peek()) return;
    await this.whileLoading('newer', async () => {
      this.recent = [];
      const { events, next } = await readPage(this.id, { newestFirst: true });
      this.window.reset(events.toReversed());
      this.atStartSignal.value = next === null;
      this.reachEnd();
    });
  }

  /** Loads the beginning of the log, unless it is loaded. @throws ApiError */
  async jumpToStart(): Promise<void> {
    if (this.atStartSignal.peek()) return;
    await this.whileLoading('older', async () => {
      this.recent = [];
      const { events, next } = await readPage(this.id, { newestFirst: false });
      this.following = false;
      this.window.reset(events);
      this.atStartSignal.value = true;
      this.atEndSignal.value = false;
      if (next === null) this.reachEnd();
    });
  }

  /** Messages that contain a text, the newest first. @throws ApiError */
  async findMessages(text: string): Promise<readonly WireEvent[]> {
    return (await readPage(this.id, { newestFirst: true, body: text, limit: MAX_FOUND })).events;
  }

  private isAfterWindow(seq: number): boolean {
    const { end, events } = this.window;
    return end === undefined ? events.length === 0 || this.hasLeftEnd : seq >= end;
  }

  /** The window was loaded somewhere else, where no number of an event is known. */
  private get hasLeftEnd(): boolean {
    return !this.atEndSignal.peek();
  }

  private append(events: readonly WireEvent[]): void {
    if (!this.atEndSignal.peek() || events.length === 0) return;
    if (!this.following && this.window.isFull) {
      // Events that a person reads stay; the new ones are loaded when they are asked for.
      this.atEndSignal.value = false;
      return;
    }
    this.window.append(events);
    if (this.following && this.window.trim('start')) this.atStartSignal.value = false;
    this.show();
  }

  /** The window has the last event of the log, and what has come since its page was asked for. */
  private reachEnd(): void {
    this.live.flush();
    this.window.append(this.recent);
    this.atEndSignal.value = true;
    const last = this.live.last();
    if (last) this.window.locate(last.id, last.seq);
  }

  private async whileLoading<T>(what: 'older' | 'newer', load: () => Promise<T>): Promise<T> {
    this.loadingSignal.value = what;
    try {
      const result = await load();
      this.show();
      return result;
    } finally {
      this.loadingSignal.value = null;
    }
  }

  private show(): void {
    this.eventsSignal.value = this.window.events;
  }
}
