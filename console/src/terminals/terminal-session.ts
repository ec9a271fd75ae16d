import { signal } from '@preact/signals';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import type { Schemas } from '../api/client.js';
import { LiveSocket, type SocketState } from '../api/live-socket.js';
import { scheme } from './schemes.js';
import { allowStylesOfScripts } from './styles-of-scripts.js';

/** After so many bytes the server is told what was shown, so that it sends on. */
const ACK_BYTES = 64 * 1024;
/** Longest frame of input (bytes). */
const INPUT_BYTES = 64 * 1024;
/** Of text to its background, as WCAG has it for readable texts. */
const MIN_CONTRAST = 4.5;
/** Between two new sizes (ms). */
const RESIZE_MS = 150;

/** A frame of the server. */
type Frame =
  | { type: 'ready'; terminal: Schemas['Terminal']; offset: number; can_type: boolean }
  | { type: 'missed'; from: number; to: number }
  | { type: 'size'; rows: number; cols: number }
  | { type: 'viewers'; viewers: Schemas['TerminalViewer'][] }
  | { type: 'flow'; paused: boolean }
  | { type: 'control'; taken_over_by: string | null }
  | { type: 'exit'; exit_code: number | null; reason: string }
  | { type: 'error'; code: string; detail: string };

/** A terminal of the server on the screen: what it prints, what is typed, and its connection. */
export class TerminalSession {
  private readonly screen: Terminal;
  private readonly fit = new FitAddon();
  private readonly socket: LiveSocket;
  private readonly encoder = new TextEncoder();
  private readonly stops: (() => void)[] = [];
  private readonly endStyles = allowStylesOfScripts();
  private resizeTimer: ReturnType<typeof setTimeout> | undefined;
  /** Offset of the next byte; undefined before the first connection. */
  private offset: number | undefined;
  private acknowledged = 0;
  /** What the server knows about the terminal. */
  readonly info;
  readonly canType = signal(false);
  readonly isPaused = signal(false);
  readonly problem = signal<string | undefined>(undefined);
  /** Bytes that came while this page was away and are gone. */
  readonly missed = signal(0);

  constructor(info: Schemas['Terminal'], element: HTMLElement) {
    this.info = signal(info);
    this.screen = new Terminal({
      fontFamily: getComputedStyle(element).getPropertyValue('--mono'),
      fontSize: 13,
      scrollback: 5_000,
      // Programs choose colours for other backgrounds.
      minimumContrastRatio: MIN_CONTRAST,
      theme: scheme.peek(),
      rows: info.rows,
      cols: info.cols,
    });
    this.screen.loadAddon(this.fit);
    this.screen.open(element);
    this.screen.attachCustomKeyEventHandler((event) => this.isForTerminal(event));
    this.screen.onData((text) => this.type(this.encoder.encode(text)));
    this.screen.onBinary((text) => this.type(Uint8Array.from(text, (character) => character.charCodeAt(0))));
    const observer = new ResizeObserver(() => this.fitSoon());
    observer.observe(element);
    this.stops.push(
      () => observer.disconnect(),
      scheme.subscribe((colours) => (this.screen.options.theme = colours)),
    );
    this.socket = new LiveSocket({
      path: () => this.path(),
      onFrame: (frame) => this.onFrame(frame as Frame),
      onBytes: (bytes) => this.onBytes(bytes),
      onEnd: () => undefined,
      onGone: () => (this.problem.value = 'The terminal has ended.'),
    });
    this.screen.focus();
  }

  /** The state of the connection. */
  get connection(): { readonly value: SocketState } {
    return this.socket.state;
  }

  focus(): void {
    this.screen.focus();
  }

  /** Ends the connection; the terminal itself goes on. */
  close(): void {
    clearTimeout(this.resizeTimer);
    for (const stop of this.stops) stop();
    this.socket.close();
    this.screen.dispose();
    this.endStyles();
  }

  private path(): string {
    const path = this.info.peek().socket.slice(1);
    if (this.offset === undefined) return path;
    return `${path}${path.includes('?') ? '&' : '?'}after=${this.offset}`;
  }

  private onBytes(bytes: Uint8Array): void {
    const offset = (this.offset ?? 0) + bytes.length;
    this.offset = offset;
    // Written in order; called when it is on the screen.
    this.screen.write(bytes, () => {
      if (offset - this.acknowledged < ACK_BYTES) return;
      this.acknowledged = offset;
      this.socket.send(JSON.stringify({ type: 'ack', offset }));
    });
  }

  private onFrame(frame: Frame): void {
    if (frame.type === 'ready') this.onReady(frame.terminal, frame.offset, frame.can_type);
    else if (frame.type === 'missed') this.skip(frame.from, frame.to);
    else if (frame.type === 'size') this.onSize(frame.rows, frame.cols);
    else if (frame.type === 'viewers') this.change({ viewers: frame.viewers });
    else if (frame.type === 'flow') this.isPaused.value = frame.paused;
    else if (frame.type === 'control') this.onControl(frame.taken_over_by);
    else if (frame.type === 'exit') this.change({ status: 'ended', exit_code: frame.exit_code });
    else this.problem.value = frame.detail;
  }

  private onReady(terminal: Schemas['Terminal'], offset: number, canType: boolean): void {
    this.info.value = terminal;
    this.canType.value = canType;
    this.problem.value = undefined;
    this.acknowledged = offset;
    this.offset = offset;
    this.onSize(terminal.rows, terminal.cols);
    this.fitSoon();
  }

  /** The screen begins anew: what follows may depend on what is missing. */
  private skip(from: number, to: number): void {
    this.missed.value += to - from;
    this.offset = to;
    this.acknowledged = to;
    this.screen.reset();
  }

  private onSize(rows: number, cols: number): void {
    this.change({ rows, cols });
    this.screen.resize(cols, rows);
  }

  private onControl(name: string | null): void {
    this.change({ taken_over_by: name });
    this.fitSoon();
  }

  private change(changes: Partial<Schemas['Terminal']>): void {
    this.info.value = { ...this.info.peek(), ...changes };
  }

  /** Whether what is typed reaches the terminal now. */
  get isTypable(): boolean {
    const { agent, taken_over_by: owner, status } = this.info.value;
    return this.canType.value && status === 'running' && (!agent || owner !== null);
  }

  private type(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.isTypable) return;
    for (let at = 0; at < bytes.length; at += INPUT_BYTES) {
      if (!this.socket.send(bytes.slice(at, at + INPUT_BYTES))) {
        this.problem.value = 'Not connected: what you type is not sent.';
        return;
      }
    }
  }

  /** Copying and pasting as in other terminals: with Shift, or Ctrl C while something is selected. */
  private isForTerminal(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown' || !event.ctrlKey || event.altKey) return true;
    const isCopy = event.code === 'KeyC' && (event.shiftKey || this.screen.hasSelection());
    if (isCopy) {
      event.preventDefault();
      void navigator.clipboard.writeText(this.screen.getSelection()).catch(() => undefined);
      this.screen.clearSelection();
      return false;
    }
    // The browser pastes.
    return !(event.code === 'KeyV' && (event.shiftKey || !event.metaKey));
  }

  /** Fits the terminal to its place. Agents have a size of their own. */
  private fitSoon(): void {
    clearTimeout(this.resizeTimer);
    this.resizeTimer = setTimeout(() => {
      if (!this.isTypable) return;
      const size = this.fit.proposeDimensions();
      if (!size || Number.isNaN(size.cols) || Number.isNaN(size.rows)) return;
      const { rows, cols } = this.info.peek();
      if (size.rows === rows && size.cols === cols) return;
      this.socket.send(JSON.stringify({ type: 'resize', rows: size.rows, cols: size.cols }));
    }, RESIZE_MS);
  }
}
