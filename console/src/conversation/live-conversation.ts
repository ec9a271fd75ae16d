import { computed, signal, type ReadonlySignal } from '@preact/signals';
import { ApiError, isRecord, messageOf } from '../api/api-error.js';
import { api, call } from '../api/client.js';
import { LiveSocket, type SocketState } from '../api/live-socket.js';
import { sessionKey } from '../api/session-key.js';
import { countEvents, readPage } from './stream/event-pages.js';
import { LoadedLog, type NumberedEvent } from './stream/loaded-log.js';
import { PendingActions } from './stream/pending-actions.js';
import { RunningOutputs, type RunningOutput } from './stream/running-outputs.js';
import { asFrame, StreamingItems, type StreamingItem } from './stream/streaming-items.js';
import { isStateUpdate, toEvent, type WireEvent } from './stream/wire-event.js';

/** A conversation as the API describes it. */
export type ConversationInfo = Awaited<ReturnType<typeof readInfo>>;

/** Why a conversation cannot be shown. */
export interface ConversationProblem {
  /** `missing`: there is no such conversation (any more). `key`: the session key is missing or wrong. */
  kind: 'missing' | 'key' | 'failed';
  detail: string;
}

const FLUSH_MS = 30;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;

/**
 * One conversation, followed live. It opens at the end, keeps a bounded part of the log in memory, and loads
 * older and newer parts when asked. Close it when it is not shown any more.
 */
export class LiveConversation {
  private readonly infoSignal = signal<ConversationInfo | null>(null);
  private readonly problemSignal = signal<ConversationProblem | null>(null);
  private readonly streamingSignal = signal<readonly StreamingItem[]>([]);
  private readonly outputsSignal = signal<ReadonlyMap<string, RunningOutput>>(new Map());
  private readonly openActions = signal<readonly WireEvent[]>([]);
  private readonly phaseSignal = signal<'opening' | 'ready'>('opening');
  private readonly totalSignal = signal(0);
  /** How far the clocks of the server's zone are ahead of UTC (ms); null: its zone is that of the browser. */
  private readonly zoneOffset = signal<number | null>(null);
  private readonly socketSignal = signal<LiveSocket | null>(null);

  private readonly items = new StreamingItems();
  private readonly runningOutputs = new RunningOutputs();
  private readonly pending = new PendingActions();
  /** The last durable event that came over the socket, or was the last one when the window was opened. */
  private lastSeq = -1;
  private lastId: string | undefined;
  /** Frames that have not been shown yet. */
  private queue: NumberedEvent[] = [];
  private flushTimer: ReturnType<typeof setTimeout> | undefined;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private retryDelay = FIRST_RETRY_MS;
  private closed = false;
  private attempt = 0;
  private readonly stopKey: () => void;

  /** The part of the log that is shown. */
  readonly log: LoadedLog;
  /** The conversation; null until it was read. */
  readonly info: ReadonlySignal<ConversationInfo | null> = this.infoSignal;
  /** The `execution_status`; empty until it is known. */
  readonly status = computed<string>(() => this.infoSignal.value?.execution_status ?? '');
  /** The connection for live events. */
  readonly socketState = computed<SocketState>(() => this.socketSignal.value?.state.value ?? 'connecting');
  /** Why nothing can be shown; null while there is no problem. */
  readonly problem: ReadonlySignal<ConversationProblem | null> = this.problemSignal;
  /** `ready` as soon as the end of the log was loaded. */
  readonly phase: ReadonlySignal<'opening' | 'ready'> = this.phaseSignal;
  /** Answers that the model is writing. */
  readonly streaming: ReadonlySignal<readonly StreamingItem[]> = this.streamingSignal;
  /** What running commands have printed so far, by their action. */
  readonly outputs: ReadonlySignal<ReadonlyMap<string, RunningOutput>> = this.outputsSignal;
  /** The actions that wait for a person's approval; empty unless the status says so. */
  readonly pendingActions = computed<readonly WireEvent[]>(() =>
    this.status.value === 'waiting_for_confirmation' ? this.openActions.value : [],
  );
  /** Grows when the end is to be shown: the person has written something. */
  readonly endRequests = signal(0);
  /** The number of events in the log, as far as it is known. */
  readonly total: ReadonlySignal<number> = this.totalSignal;

  constructor(readonly id: string) {
    this.log = new LoadedLog(id, {
      flush: () => this.flush(),
      last: () => (this.lastId === undefined ? undefined : { id: this.lastId, seq: this.lastSeq }),
    });
    let isFirst = true;
    this.stopKey = sessionKey.subscribe(() => {
      if (!isFirst && this.phaseSignal.peek() === 'opening') void this.open();
      isFirst = false;
    });
    void this.open();
  }

  /** Ends all requests and the socket. */
  close(): void {
    this.closed = true;
    this.stopKey();
    clearTimeout(this.flushTimer);
    clearTimeout(this.retryTimer);
    this.socketSignal.peek()?.close();
  }

  /** Reads the conversation again, after a change that is no event (title, tags). @throws ApiError */
  async refreshInfo(): Promise<void> {
    this.infoSignal.value = await readInfo(this.id);
  }

  /** Opens the connection at once, if it waits for its next attempt. */
  reconnect(): void {
    if (this.phaseSignal.peek() === 'opening') void this.open();
    this.socketSignal.peek()?.retryNow();
  }

  /** The time of an event in UTC. Timestamps of events are local times of the server. */
  timeOf(event: Pick<WireEvent, 'timestamp'>): string {
    const { timestamp } = event;
    if (/(Z|[+-]\d\d:?\d\d)$/.test(timestamp)) return timestamp;
    const offset = this.zoneOffset.value;
    const time = offset === null ? Date.parse(timestamp) : Date.parse(`${timestamp}Z`) - offset;
    return Number.isNaN(time) ? timestamp : new Date(time).toISOString();
  }

  /** Reads the conversation and the end of its log, then opens the socket. Repeats what may succeed later. */
  private async open(): Promise<void> {
    const attempt = ++this.attempt;
    clearTimeout(this.retryTimer);
    try {
      const count = await this.loadEnd(attempt);
      if (!this.isCurrent(attempt)) return;
      this.problemSignal.value = null;
      this.phaseSignal.value = 'ready';
      this.retryDelay = FIRST_RETRY_MS;
      // If the log has not grown meanwhile, the number of each event is known. Else the socket tells it.
      const isStill = (await countEvents(this.id)) === count;
      if (!this.isCurrent(attempt)) return;
      if (isStill) this.log.endsBefore(count);
      this.lastSeq = isStill ? count - 1 : Math.max(-1, count - 2);
      this.lastId = isStill ? this.log.events.peek().at(-1)?.id : undefined;
      this.totalSignal.value = count;
      this.connect();
    } catch (error) {
      if (this.isCurrent(attempt)) this.failToOpen(error);
    }
  }

  /** Whether an attempt to open is still wanted, after it has waited for something. */
  private isCurrent(attempt: number): boolean {
    return !this.closed && attempt === this.attempt;
  }

  private async loadEnd(attempt: number): Promise<number> {
    const info = readInfo(this.id);
    // It is awaited below; until then a failure must not count as unhandled.
    info.catch(() => undefined);
    // The page is read after the count: it has at least the last of the counted events.
    const count = await countEvents(this.id);
    const page = await readPage(this.id, { newestFirst: true });
    const known = await info;
    if (!this.isCurrent(attempt)) return count;
    this.infoSignal.value = known;
    this.log.open(page, count);
    for (const event of this.log.events.peek()) this.pending.take(event);
    this.openActions.value = this.pending.list;
    return count;
  }

  private failToOpen(error: unknown): void {
    const status = error instanceof ApiError ? error.status : 0;
    const detail = messageOf(error);
    if (status === 404 || status === 422) this.problemSignal.value = { kind: 'missing', detail };
    else if (status === 401 || status === 403) this.problemSignal.value = { kind: 'key', detail };
    else {
      this.problemSignal.value = { kind: 'failed', detail };
      this.retryTimer = setTimeout(() => void this.open(), this.retryDelay);
      this.retryDelay = Math.min(this.retryDelay * 2, MAX_RETRY_MS);
    }
  }

  private connect(): void {
    this.socketSignal.peek()?.close();
    this.socketSignal.value = new LiveSocket({
      path: () => `sockets/session/${this.id}?after_seq=${this.lastSeq}`,
      onFrame: (frame) => this.take(asFrame(frame)),
      onGone: () => {
        this.problemSignal.value = {
          kind: 'missing',
          detail: 'The conversation was deleted, or another server has taken it over.',
        };
      },
      onLost: (_code, reason) => {
        this.items.clear();
        this.streamingSignal.value = [];
        if (reason === 'frame_too_large') void this.passLargeEvent();
      },
    });
  }

  /** Reads the event after the last one, which was too large for the socket. */
  private async passLargeEvent(): Promise<void> {
    if (this.lastId === undefined) {
      // The number of no event is known yet.
      await this.open();
      return;
    }
    try {
      const seq = this.lastSeq + 1;
      const { events } = await readPage(this.id, {
        from: this.lastId,
        isAfter: true,
        newestFirst: false,
        limit: 2,
      });
      const [large] = events;
      if (large !== undefined && this.lastSeq === seq - 1) this.takeDurable(seq, large);
    } catch {
      // The socket is opened again and closes with the same reason, which leads here again.
    }
  }

  private take(frame: Record<string, unknown>): void {
    const { type, seq } = frame;
    if (type === 'durable' && typeof seq === 'number') {
      const event = toEvent(frame['event']);
      if (event !== undefined && seq > this.lastSeq) this.takeDurable(seq, event);
      else this.lastSeq = Math.max(this.lastSeq, seq);
    } else if (type === 'transient') {
      const event = toEvent(frame['event']);
      if (event !== undefined && isStateUpdate(event)) this.takeFullState(event);
    } else if (this.runningOutputs.take(frame) || this.items.take(frame)) this.scheduleFlush();
  }

  private takeDurable(seq: number, event: WireEvent): void {
    this.lastSeq = seq;
    this.lastId = event.id;
    this.queue.push({ seq, event });
    if (event.source === 'agent') this.items.settle(seq);
    this.runningOutputs.settle(event['action_id']);
    this.scheduleFlush();
  }

  private takeFullState(event: WireEvent): void {
    const { key, value } = event;
    if (key !== 'full_state' || !isRecord(value)) return;
    this.learnZone(event);
    this.flush();
    const info = this.infoSignal.peek();
    if (info !== null) this.infoSignal.value = { ...info, ...value };
  }

  private scheduleFlush(): void {
    this.flushTimer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  /** Shows what has come. Many frames of one moment are shown at once. */
  private flush(): void {
    clearTimeout(this.flushTimer);
    this.flushTimer = undefined;
    const frames = this.queue;
    this.queue = [];
    if (frames.length > 0) this.takeFrames(frames);
    this.streamingSignal.value = this.items.list;
    this.outputsSignal.value = this.runningOutputs.byAction;
  }

  private takeFrames(frames: readonly NumberedEvent[]): void {
    for (const { event } of frames) {
      this.pending.take(event);
      this.takeStateUpdate(event);
    }
    this.openActions.value = this.pending.list;
    this.totalSignal.value = Math.max(this.totalSignal.peek(), this.lastSeq + 1);
    this.log.take(frames);
  }

  private takeStateUpdate(event: WireEvent): void {
    const info = this.infoSignal.peek();
    if (info === null) return;
    const { key, value } = event;
    if (isStateUpdate(event)) {
      if (typeof key === 'string' && key in info) this.infoSignal.value = { ...info, [key]: value };
    } else this.infoSignal.value = { ...info, leaf_event_id: event.id };
  }

  /** A transient event was made just now: its time tells the zone of the server. */
  private learnZone({ timestamp }: WireEvent): void {
    const quarter = 15 * 60_000;
    const offset = Math.round((Date.parse(`${timestamp}Z`) - Date.now()) / quarter) * quarter;
    const ours = -new Date().getTimezoneOffset() * 60_000;
    this.zoneOffset.value = Number.isNaN(offset) || offset === ours ? null : offset;
  }
}

function readInfo(id: string) {
  return call(api.GET('/api/conversations/{conversation_id}', { params: { path: { conversation_id: id } } }));
}
