import { signal } from '@preact/signals';
import { isRecord, messageOf } from '../api/api-error.js';
import { api, call, type Schemas } from '../api/client.js';
import { LiveSocket, type SocketState } from '../api/live-socket.js';
import { sessionKey } from '../api/session-key.js';
import { TokenRates } from './token-rates.js';

/** What the list shows of a conversation. */
export type Summary = Schemas['ConversationSummary'];

/** The first page is small, so that something can be read soon; the others are large. */
const FIRST_PAGE = 100;
const PAGE = 1000;
/** Changes are shown together, at most so often (ms). */
const SHOW_EVERY_MS = 100;
/** If the socket is not ready by then (ms), the list is read without it. */
const READY_MS = 3_000;

/** How much of the list is here. */
type LoadState = 'empty' | 'partial' | 'complete';

/**
 * The summaries of all conversations, kept up to date by the socket while a view is open. After a lost
 * connection all are read again.
 */
export class SummaryStore {
  readonly byId = new Map<string, Summary>();
  readonly rates = new TokenRates();
  /** Grows with each change of `byId`. */
  readonly version = signal(0);
  readonly loadState = signal<LoadState>('empty');
  /** Why the list cannot be read; null if it can. */
  readonly problem = signal<string | null>(null);
  readonly connection = signal<SocketState>('connecting');
  /** How far the clock of the server is ahead of ours (ms). */
  clockOffset = 0;
  /** When the reason of a conversation became what it is (ms of `performance.now()`). */
  private readonly reasonSince = new Map<string, number>();
  /** Conversations that the socket has told of since the pages are being read: it knows better. */
  private readonly touched = new Set<string>();
  private socket: LiveSocket | undefined;
  private stops: (() => void)[] = [];
  private loading: object | undefined;
  private showTimer: ReturnType<typeof setTimeout> | undefined;
  private readyTimer: ReturnType<typeof setTimeout> | undefined;

  /** Keeps the list up to date until `close`. */
  open(): void {
    this.connect();
    let isFirst = true;
    this.stops.push(
      sessionKey.subscribe(() => {
        // A socket that was opened without the key waits in vain.
        if (!isFirst) this.connect();
        isFirst = false;
      }),
    );
    if (this.byId.size === 0) void this.load(FIRST_PAGE, true);
  }

  close(): void {
    for (const stop of this.stops.splice(0)) stop();
    clearTimeout(this.readyTimer);
    this.loading = undefined;
    this.socket?.close();
    this.socket = undefined;
  }

  /** For how long the reason of a conversation has been what it is (ms). */
  reasonAge(id: string): number {
    return performance.now() - (this.reasonSince.get(id) ?? -Infinity);
  }

  /** Reads all pages again. */
  reload(): void {
    void this.load(PAGE, false);
  }

  private connect(): void {
    this.socket?.close();
    clearTimeout(this.readyTimer);
    const socket = new LiveSocket({
      path: () => 'sockets/conversations',
      onFrame: (frame) => this.receive(frame),
    });
    this.socket = socket;
    const stop = socket.state.subscribe((state) => {
      if (this.socket === socket) this.connection.value = state;
    });
    this.stops.push(stop);
    this.readyTimer = setTimeout(() => this.reload(), READY_MS);
  }

  private receive(frame: unknown): void {
    if (!isRecord(frame)) return;
    if (frame['type'] === 'ready') {
      const time = Date.parse(String(frame['time']));
      if (!Number.isNaN(time)) this.clockOffset = time - Date.now();
      clearTimeout(this.readyTimer);
      this.touched.clear();
      this.reload();
    } else if (frame['type'] === 'summary' && isSummary(frame['summary'])) {
      const { summary } = frame;
      this.touched.add(summary.id);
      this.put(summary);
      this.show();
    } else if (frame['type'] === 'removed' && typeof frame['id'] === 'string') {
      this.touched.add(frame['id']);
      this.remove(frame['id']);
      this.show();
    }
  }

  private async load(limit: number, firstOnly: boolean): Promise<void> {
    const loading = {};
    this.loading = loading;
    const seen = new Set<string>();
    let page_id: string | null = null;
    try {
      do {
        const query: { limit: number; page_id?: string } = page_id === null ? { limit } : { limit, page_id };
        const page: Schemas['ConversationSummaryPage'] = await call(
          api.GET('/api/conversations/summaries', { params: { query } }),
        );
        if (this.loading !== loading) return;
        for (const summary of page.items) {
          seen.add(summary.id);
          if (!this.touched.has(summary.id)) this.put(summary);
        }
        page_id = page.next_page_id;
        this.problem.value = null;
        if (this.loadState.value === 'empty') this.loadState.value = 'partial';
        this.show();
      } while (page_id !== null && !firstOnly);
      if (page_id !== null) return;
      for (const id of this.byId.keys()) if (!seen.has(id) && !this.touched.has(id)) this.remove(id);
      this.loadState.value = 'complete';
      this.show();
    } catch (error) {
      if (this.loading === loading) this.problem.value = messageOf(error);
    }
  }

  private put(summary: Summary): void {
    const before = this.byId.get(summary.id);
    // What was there when the page was opened has not changed below anybody's pointer.
    const isOther = before ? before.reason !== summary.reason : this.touched.has(summary.id);
    if (isOther && summary.waits_for === 'confirmation') this.reasonSince.set(summary.id, performance.now());
    this.byId.set(summary.id, summary);
    this.rates.note(summary);
  }

  private remove(id: string): void {
    this.byId.delete(id);
    this.reasonSince.delete(id);
    this.rates.forget(id);
  }

  private show(): void {
    this.showTimer ??= setTimeout(() => {
      this.showTimer = undefined;
      this.version.value += 1;
    }, SHOW_EVERY_MS);
  }
}

/** The summaries that this page has; they stay while another view is open. */
export const summaries = new SummaryStore();

function isSummary(value: unknown): value is Summary {
  return isRecord(value) && typeof value['id'] === 'string' && typeof value['updated_at'] === 'string';
}
