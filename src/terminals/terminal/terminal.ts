import { meters } from '../../meters/index.js';
import type { OutputPace } from '../streams/output-pace.js';
import { Scrollback } from '../streams/scrollback.js';
import type { EndReason, TerminalInfo, TerminalNotice, TerminalViewer } from '../streams/terminal-notice.js';
import { type ReaderSink, TerminalReader } from '../streams/terminal-reader.js';
import { TerminalStateError } from '../terminal-errors.js';

/** A reader that lags by more holds up the terminal, until it lags by half as much (bytes). */
const MAX_LAG = 256 * 1024;
/** A reader that holds up the terminal for so long is not waited for any more, and misses bytes (ms). */
const MAX_HOLD_MS = 5_000;
/** Longest input that waits for the program; whoever types more has to wait (bytes). */
const MAX_PENDING_INPUT = 2 * 1024 * 1024;

/** The size of a terminal in characters. */
export interface TerminalSize {
  rows: number;
  cols: number;
}

/** What is known of a terminal when it is opened. */
export interface TerminalFacts {
  readonly id: string;
  readonly conversationId: string | null;
  readonly agent: boolean;
  readonly title: string | null;
  readonly shell: string;
  readonly cwd: string;
  readonly createdBy: string | null;
}

/** A viewer of a terminal, while it is connected. */
export interface AttachedViewer {
  /** The client has shown everything before an offset; its window is limited from then on. */
  confirm(offset: number): void;
  detach(): void;
}

interface Viewer {
  reader: TerminalReader;
  sink: ReaderSink;
  shown: TerminalViewer;
}

/**
 * A terminal with its output and its viewers. Each viewer reads at its own pace. A viewer that lags holds up
 * the program, for some seconds at most; without viewers the program is not held up.
 */
export abstract class Terminal {
  protected readonly scrollback: Scrollback;
  private readonly viewers = new Set<Viewer>();
  private readonly createdAt = new Date().toISOString();
  private ended: { exitCode: number | null; signal: number | null; reason: EndReason } | undefined;
  private holdTimer: NodeJS.Timeout | undefined;
  private isHeld = false;
  private isTold = false;
  private isTooFast = false;
  /** When somebody was last connected or typed (`performance.now()`). */
  private usedAt = performance.now();
  /** Set when it has ended (`performance.now()`). */
  endedAt: number | undefined;

  constructor(
    readonly facts: TerminalFacts,
    protected size: TerminalSize,
    scrollbackBytes: number,
    private readonly pace: OutputPace,
  ) {
    this.scrollback = new Scrollback(scrollbackBytes);
  }

  /** The name of the key that has taken over the terminal of an agent. */
  abstract readonly takenOverBy: string | null;
  /** Bytes of input that the program has not read yet. */
  protected abstract readonly pendingInput: number;
  protected abstract writeInput(data: Buffer): void;
  protected abstract inputRoom(below: number): Promise<void>;
  protected abstract applySize(size: TerminalSize): void;
  /**
   * Stops reading output, or goes on. The program waits once the buffers of the system are full. Agents are
   * not held up.
   */
  protected abstract setReading(isReading: boolean): void;
  /** Ends all its processes. */
  abstract close(reason: EndReason): Promise<void>;

  get id(): string {
    return this.facts.id;
  }

  /** Whether people may type now. @throws TerminalStateError if not */
  assertTypable(): void {
    if (this.facts.agent && this.takenOverBy === null) {
      throw new TerminalStateError(
        'This is the terminal of an agent: take it over first, while the conversation is paused',
      );
    }
  }

  /** @throws TerminalStateError for the terminal of an agent */
  assertClosable(): void {
    if (this.facts.agent) throw new TerminalStateError('The terminal of an agent ends with its conversation');
  }

  get hasEnded(): boolean {
    return this.ended !== undefined;
  }

  get viewerCount(): number {
    return this.viewers.size;
  }

  /** How long nobody was connected or typed (ms). */
  get idleMs(): number {
    return this.viewers.size > 0 ? 0 : performance.now() - this.usedAt;
  }

  info(): TerminalInfo {
    const { id, conversationId, agent, title, shell, cwd, createdBy } = this.facts;
    const query = conversationId === null ? '' : `?conversation_id=${conversationId}`;
    return {
      id,
      conversation_id: conversationId,
      agent,
      title,
      ...this.size,
      shell,
      cwd,
      status: this.hasEnded ? 'ended' : 'running',
      exit_code: this.ended?.exitCode ?? null,
      end_reason: this.ended?.reason ?? null,
      created_at: this.createdAt,
      created_by: createdBy,
      output: { start: this.scrollback.start, end: this.scrollback.end },
      viewers: this.shownViewers(),
      taken_over_by: this.takenOverBy,
      socket: `/sockets/terminals/${id}${query}`,
    };
  }

  /**
   * Sends a viewer the output from an offset on, and everything that follows.
   * @param after offset of the first byte; undefined: all that is kept
   */
  attach(sink: ReaderSink, shown: TerminalViewer, after: number | undefined): AttachedViewer {
    const { scrollback } = this;
    const from = after === undefined ? scrollback.beginning() : Math.min(after, scrollback.end);
    const reader = new TerminalReader(scrollback, from, sink, () => this.adjust());
    const viewer = { reader, sink, shown };
    this.viewers.add(viewer);
    sink.notify({ type: 'ready', terminal: this.info(), offset: from, can_type: shown.can_type });
    this.tellViewers(viewer);
    if (this.ended) reader.endWith(this.exitNotice(this.ended));
    else reader.wake();
    return {
      confirm: (offset) => reader.confirm(offset),
      detach: () => {
        if (!this.viewers.delete(viewer)) return;
        reader.close();
        this.usedAt = performance.now();
        this.tellViewers();
        this.adjust();
      },
    };
  }

  /** Types into the terminal. Resolves when there is room for more. */
  async write(data: Buffer): Promise<void> {
    if (this.hasEnded) return;
    this.usedAt = performance.now();
    // A viewer that waits here does not confirm what it shows, so the program must be able to go on.
    if (this.pendingInput >= MAX_PENDING_INPUT) await this.inputRoom(MAX_PENDING_INPUT);
    this.writeInput(data);
  }

  resize(size: TerminalSize): void {
    if (this.hasEnded) return;
    const isSame = size.rows === this.size.rows && size.cols === this.size.cols;
    if (isSame) return;
    this.size = size;
    this.applySize(size);
    this.notify({ type: 'size', ...size });
  }

  /** Output of the program. */
  protected append(bytes: Buffer): void {
    this.scrollback.append(bytes);
    meters.terminalBytes.add(bytes.length);
    for (const { reader } of this.viewers) reader.wake();
    if (this.pace.isOver(this, bytes.length, () => this.setTooFast(false))) this.setTooFast(true);
    if (this.viewers.size > 0) this.adjust();
  }

  /** No output follows. */
  protected end(exitCode: number | null, signal: number | null, reason: EndReason): void {
    if (this.ended) return;
    this.ended = { exitCode, signal, reason };
    this.endedAt = performance.now();
    clearTimeout(this.holdTimer);
    this.pace.forget(this);
    for (const { reader } of this.viewers) reader.endWith(this.exitNotice(this.ended));
  }

  protected notify(notice: TerminalNotice): void {
    for (const { sink } of this.viewers) sink.notify(notice);
  }

  private exitNotice({ exitCode, signal, reason }: NonNullable<Terminal['ended']>): TerminalNotice {
    return { type: 'exit', exit_code: exitCode, signal, reason };
  }

  private shownViewers(): TerminalViewer[] {
    return [...this.viewers].map(({ shown }) => shown);
  }

  /** @param except has been told otherwise */
  private tellViewers(except?: Viewer): void {
    const notice: TerminalNotice = { type: 'viewers', viewers: this.shownViewers() };
    for (const viewer of this.viewers) if (viewer !== except) viewer.sink.notify(notice);
  }

  private setTooFast(isTooFast: boolean): void {
    if (this.isTooFast === isTooFast) return;
    this.isTooFast = isTooFast;
    this.applyReading();
  }

  private applyReading(): void {
    if (!this.hasEnded) this.setReading(!this.isHeld && !this.isTooFast);
  }

  /** Decides whether the terminal waits for viewers. */
  private adjust(): void {
    if (this.hasEnded || this.facts.agent) return;
    const now = performance.now();
    const limit = Math.min(MAX_LAG, this.scrollback.capacity / 2);
    let holds = false;
    for (const { reader } of this.viewers) {
      if (reader.lag > limit) reader.holdsSince ??= now;
      else if (reader.lag <= limit / 2) reader.holdsSince = undefined;
      holds ||= reader.holdsSince !== undefined && now - reader.holdsSince < MAX_HOLD_MS;
    }
    if (holds === this.isHeld) return;
    this.isHeld = holds;
    clearTimeout(this.holdTimer);
    this.applyReading();
    if (holds) this.holdTimer = setTimeout(() => this.checkHold(), 1_000);
    else if (this.isTold) this.tellFlow(false);
  }

  /** Called while the terminal is held: viewers are told, and those that are too slow not waited for. */
  private checkHold(): void {
    if (!this.isTold) this.tellFlow(true);
    this.adjust();
    if (this.isHeld) this.holdTimer = setTimeout(() => this.checkHold(), 1_000);
  }

  private tellFlow(paused: boolean): void {
    this.isTold = paused;
    this.notify({ type: 'flow', paused });
  }
}
