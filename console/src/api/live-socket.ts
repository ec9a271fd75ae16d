import { signal, type ReadonlySignal } from '@preact/signals';
import { SERVER_URL } from '../routing/address.js';
import { hasAnswered, isOffline, reachability } from './reachability.js';
import { keyWasRefused, sessionKey } from './session-key.js';

const FIRST_DELAY_MS = 300;
const MAX_DELAY_MS = 10_000;

/** `closed`: by us, or by the server for good (`reason`). */
export type SocketState = 'connecting' | 'open' | 'waiting' | 'closed';

/** What a `LiveSocket` is told. */
export interface LiveSocketOptions {
  /** Path and query relative to the server, asked for before each attempt: it may say where to resume. */
  path: () => string;
  /** Each frame, parsed. */
  onFrame: (frame: unknown) => void;
  /** Each binary frame. */
  onBytes?: (bytes: Uint8Array) => void;
  /** The server has closed it because nothing will follow (1000): there is no further attempt. */
  onEnd?: () => void;
  /** After each connection was opened, before its first frame. */
  onOpen?: () => void;
  /** The server does not have what the socket is about (4004): there is no further attempt. */
  onGone?: () => void;
  /** After each loss of the connection, before the pause for the next attempt. */
  onLost?: (code: number, reason: string) => void;
}

/**
 * A WebSocket that opens itself again after each loss, with growing delays, until `close()`. It authenticates
 * by its first frame, so the key is in no address.
 */
export class LiveSocket {
  private readonly stateSignal = signal<SocketState>('connecting');
  private socket: WebSocket | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private usedKey: string | null = null;
  private delay = FIRST_DELAY_MS;
  private readonly stops: (() => void)[] = [];

  constructor(private readonly options: LiveSocketOptions) {
    this.stops.push(
      // A key was entered or forgotten, or the network is back.
      sessionKey.subscribe((key) => this.keyChanged(key)),
      isOffline.subscribe((offline) => {
        if (!offline) this.retryNow();
      }),
      // A request was answered again.
      reachability.subscribe((state) => {
        if (state === 'reached') this.retryNow();
      }),
    );
    this.connect();
  }

  get state(): ReadonlySignal<SocketState> {
    return this.stateSignal;
  }

  close(): void {
    for (const stop of this.stops) stop();
    clearTimeout(this.timer);
    this.stateSignal.value = 'closed';
    const { socket } = this;
    if (socket?.readyState === WebSocket.CONNECTING) {
      // Browsers report an error when a socket is closed before it is open.
      socket.onopen = () => socket.close();
      socket.onmessage = null;
    } else socket?.close();
  }

  /** Sends a frame. @returns false while there is no connection */
  send(frame: string | Uint8Array<ArrayBuffer>): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(frame);
    return true;
  }

  private keyChanged(key: string | null): void {
    if (this.stateSignal.peek() === 'open' && key !== this.usedKey) this.socket?.close();
    else this.retryNow();
  }

  /** Ends the pause before the next attempt. */
  retryNow(): void {
    if (this.stateSignal.peek() !== 'waiting') return;
    clearTimeout(this.timer);
    this.connect();
  }

  private connect(): void {
    const url = new URL(this.options.path(), SERVER_URL);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const key = sessionKey.peek();
    this.usedKey = key;
    this.stateSignal.value = 'connecting';
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    socket.onopen = () => {
      if (key !== null) socket.send(JSON.stringify({ type: 'auth', session_api_key: key }));
      this.stateSignal.value = 'open';
      hasAnswered();
      this.options.onOpen?.();
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      this.delay = FIRST_DELAY_MS;
      if (typeof data === 'string') this.options.onFrame(JSON.parse(data));
      else if (data instanceof ArrayBuffer) this.options.onBytes?.(new Uint8Array(data));
    };
    socket.onclose = ({ code, reason }) => this.closed(code, reason, key);
  }

  private closed(code: number, reason: string, key: string | null): void {
    if (this.stateSignal.peek() === 'closed') return;
    if (code === 4001) keyWasRefused(key);
    if (code === 4004) {
      this.close();
      this.options.onGone?.();
      return;
    }
    if (code === 1000 && this.options.onEnd) {
      this.close();
      this.options.onEnd();
      return;
    }
    // Each attempt with the same key would be counted as another wrong key.
    if (code === 4001) {
      this.stateSignal.value = 'waiting';
      return;
    }
    if (code === 1006) reachability.value = 'away';
    this.stateSignal.value = 'waiting';
    this.options.onLost?.(code, reason);
    // Many pages must not come back in the same moment after a restart.
    const pause = this.delay * (0.75 + Math.random() / 2);
    this.delay = Math.min(this.delay * 2, MAX_DELAY_MS);
    this.timer = setTimeout(() => this.connect(), pause);
  }
}
