import { signal, type ReadonlySignal } from '@preact/signals';
import { ApiError, isRecord } from '../api/api-error.js';
import { SERVER_URL } from '../routing/address.js';
import { toEvent, type WireEvent } from '../conversation/stream/wire-event.js';

/** What a share link tells of its conversation. */
export interface SharedInfo {
  title: string;
  status: string;
}

/** Most events that are read before a person asks for more. */
const CHUNK = 1000;
const RETRY_MS = 2_000;
/** The link is not valid any more. */
const ENDED = 4001;
/** Answers after which the link will not work again. */
const OVER: ReadonlySet<number> = new Set([401, 404]);

/** A conversation that is read with a share link: from its beginning, then live. */
export class SharedConversation {
  private readonly infoSignal = signal<SharedInfo | null>(null);
  private readonly eventsSignal = signal<readonly WireEvent[]>([]);
  private readonly problemSignal = signal('');
  private readonly hasMoreSignal = signal(false);
  private next: string | null = null;
  private readonly ids = new Set<string>();
  /** The number of the last item of the log that was read: not all of them are events that can be shown. */
  private last = -1;
  private socket: WebSocket | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private isClosed = false;

  /** Null until it was read. */
  readonly info: ReadonlySignal<SharedInfo | null> = this.infoSignal;
  readonly events: ReadonlySignal<readonly WireEvent[]> = this.eventsSignal;
  /** Why nothing (more) can be shown; empty while there is no problem. */
  readonly problem: ReadonlySignal<string> = this.problemSignal;
  /** Whether there are events that were not read yet. */
  readonly hasMore: ReadonlySignal<boolean> = this.hasMoreSignal;

  constructor(
    private readonly id: string,
    private readonly token: string,
  ) {
    void this.open();
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.retry);
    this.socket?.close();
  }

  /** Reads the next events; after the last one, new ones come by themselves. */
  async more(): Promise<void> {
    this.hasMoreSignal.value = false;
    const end = this.eventsSignal.peek().length + CHUNK;
    do {
      const page = await this.read(`/events${this.next === null ? '' : `?page_id=${this.next}`}`);
      const items: unknown[] = Array.isArray(page['items']) ? page['items'] : [];
      this.add(items);
      this.last += items.length;
      this.next = typeof page['next_page_id'] === 'string' ? page['next_page_id'] : null;
    } while (this.next !== null && this.eventsSignal.peek().length < end);
    if (this.next === null) this.follow();
    else this.hasMoreSignal.value = true;
  }

  private async open(): Promise<void> {
    try {
      const info = await this.read('');
      const { title, execution_status: status } = info;
      this.infoSignal.value = {
        title: typeof title === 'string' ? title : 'A shared conversation',
        status: typeof status === 'string' ? status : '',
      };
      await this.more();
    } catch (error) {
      this.problemSignal.value = error instanceof Error ? error.message : String(error);
    }
  }

  /** @throws ApiError with what the server says; TypeError if it cannot be reached */
  private async read(path: string): Promise<Record<string, unknown>> {
    const response = await fetch(new URL(`api/shared/${this.id}${path}`, SERVER_URL), {
      headers: { 'X-Share-Token': this.token },
    });
    const body: unknown = await response.json().catch(() => undefined);
    if (response.ok && isRecord(body)) return body;
    throw ApiError.of(response.status, body);
  }

  private add(values: readonly unknown[]): void {
    const events = values
      .map(toEvent)
      .filter((event) => event !== undefined)
      .filter(({ id }) => !this.ids.has(id));
    for (const { id } of events) this.ids.add(id);
    this.eventsSignal.value = [...this.eventsSignal.peek(), ...events];
    for (const { kind, key, value } of events) {
      const info = this.infoSignal.peek();
      if (kind === 'ConversationStateUpdateEvent' && key === 'execution_status' && info !== null)
        this.infoSignal.value = { ...info, status: String(value) };
    }
  }

  /** The close of a socket that was refused does not say why. */
  private async reconnect(): Promise<void> {
    const problem = await this.read('').then(
      () => undefined,
      (error: unknown) => error,
    );
    if (problem instanceof ApiError && OVER.has(problem.status)) this.problemSignal.value = problem.message;
    else this.follow();
  }

  private follow(): void {
    if (this.isClosed) return;
    const url = new URL(`sockets/shared/${this.id}?after_seq=${this.last}`, SERVER_URL);
    url.searchParams.set('share_token', this.token);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      const frame: unknown = JSON.parse(String(data));
      if (!isRecord(frame) || frame['type'] !== 'durable') return;
      this.add([frame['event']]);
      if (typeof frame['seq'] === 'number') this.last = frame['seq'];
    };
    socket.onclose = ({ code }) => {
      if (this.isClosed) return;
      if (code === ENDED) this.problemSignal.value = 'This link is not valid any more.';
      else this.retry = setTimeout(() => void this.reconnect(), RETRY_MS);
    };
  }
}
