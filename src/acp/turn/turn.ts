import { randomUUID } from 'node:crypto';
import type { PromptResponse, RequestPermissionRequest } from '@agentclientprotocol/sdk';
import type { ItemStream } from '../../agent/index.js';
import type { JsonObject } from '../../json/index.js';
import { ToolCalls } from './tool-calls.js';

/** Most queued items; with more, nothing is read from the agent. */
const MAX_QUEUED = 500;
/** Most queued characters. A single item may be larger. */
const MAX_QUEUED_SIZE = 8_000_000;
/** Most text of one kind kept per turn (characters). */
const MAX_TEXT = 2_000_000;

/** A person's decision; undefined if the request is void. */
export type PermissionDecision = 'allow' | 'reject' | undefined;

/** The agent asks for permission. */
export interface PermissionItem {
  type: 'permission';
  request: RequestPermissionRequest;
  answer: (answer: PermissionDecision) => void;
}

/** An item of a turn's queue. */
type TurnItem =
  | { type: 'update'; update: JsonObject }
  | PermissionItem
  | { type: 'end'; response: PromptResponse }
  | { type: 'failed'; error: unknown };

/**
 * One prompt to an agent until its answer. Items are queued until a run takes them, because a turn can
 * outlive its run: while a person decides no run is active.
 */
export class Turn {
  /** Id of the future event of the answer. */
  readonly itemId = randomUUID();
  readonly startedAt = performance.now();
  readonly calls = new ToolCalls();
  readonly stream: ItemStream;
  /** The request that waits for a decision, and the last user message when it was made. */
  pending: PermissionItem | undefined;
  lastMessageWhenAsked: string | null = null;
  /** Id of the event that shows the pending request. */
  pendingCallEventId = '';
  /** Whether the turn was cancelled. */
  cancelled = false;
  text = '';
  thoughts = '';
  /** Reported by the agent: size of its context (tokens) and cost of the session (US dollars). */
  contextWindow = 0;
  sessionCost: number | undefined;
  private readonly queue: { item: TurnItem; size: number }[] = [];
  /** Size of all queued items (characters). */
  private queuedSize = 0;
  private wake: () => void = () => undefined;
  private readonly roomWaiters: (() => void)[] = [];

  constructor(
    /** Id of the last message in the prompt. */
    readonly messageId: string,
    openStream: (itemId: string) => ItemStream,
  ) {
    this.stream = openStream(this.itemId);
  }

  /** Queues the agent's answer or failure when the prompt settles. Never rejects. */
  async pushAnswer(prompt: Promise<PromptResponse>): Promise<void> {
    try {
      this.push({ type: 'end', response: await prompt });
    } catch (error) {
      this.push({ type: 'failed', error });
    }
  }

  /** @param size of the item (characters) */
  push(item: TurnItem, size = 0): void {
    this.queue.push({ item, size });
    this.queuedSize += size;
    this.wake();
  }

  /** Resolves when more items can be queued. */
  waitForRoom(): Promise<void> {
    if (this.hasRoom) return Promise.resolve();
    return new Promise((resolve) => this.roomWaiters.push(resolve));
  }

  /** Discards all items and releases waiting producers. */
  discard(): void {
    this.queuedSize = 0;
    for (const { item } of this.queue.splice(0)) if (item.type === 'permission') item.answer(undefined);
    this.pending?.answer(undefined);
    this.pending = undefined;
    for (const resolve of this.roomWaiters.splice(0)) resolve();
  }

  /** The next item; undefined after `limitMs` without one. */
  async next(limitMs: number, signal: AbortSignal): Promise<TurnItem | undefined> {
    if (this.queue.length === 0) await this.waitForItem(limitMs, signal);
    signal.throwIfAborted();
    const { item, size } = this.queue.shift() ?? { item: undefined, size: 0 };
    this.queuedSize -= size;
    if (this.hasRoom) for (const resolve of this.roomWaiters.splice(0)) resolve();
    return item;
  }

  appendText(text: string): void {
    if (this.text.length < MAX_TEXT) this.text = `${this.text}${text}`.slice(0, MAX_TEXT);
    this.stream.delta({ kind: 'text', content: text });
  }

  appendThought(text: string): void {
    if (this.thoughts.length < MAX_TEXT) this.thoughts = `${this.thoughts}${text}`.slice(0, MAX_TEXT);
    this.stream.delta({ kind: 'reasoning', content: text });
  }

  private get hasRoom(): boolean {
    return this.queue.length < MAX_QUEUED && this.queuedSize < MAX_QUEUED_SIZE;
  }

  private async waitForItem(limitMs: number, signal: AbortSignal): Promise<void> {
    const wake = (): void => this.wake();
    const arrived = new Promise<void>((resolve) => (this.wake = resolve));
    signal.addEventListener('abort', wake, { once: true });
    const timer = setTimeout(wake, limitMs);
    await arrived;
    clearTimeout(timer);
    // A long turn waits often: do not accumulate listeners.
    signal.removeEventListener('abort', wake);
  }
}
