import { randomUUID } from 'node:crypto';
import type { PromptResponse, RequestPermissionRequest } from '@agentclientprotocol/sdk';
import type { ItemStream } from '../../agent/agent-session.js';
import type { JsonObject } from '../../json/index.js';
import { ToolCalls } from './tool-calls.js';

/** News that may wait to be taken: with more, the agent is not read on. */
const MAX_WAITING = 500;
/** The same in characters. One piece of news may be longer. */
const MAX_WAITING_SIZE = 8_000_000;
/** More text of one kind is not kept in one turn (characters). */
const MAX_TEXT = 2_000_000;

/** What a person decides about a request of the agent; undefined: nobody decides any more. */
export type Answer = 'allow' | 'reject' | undefined;

/** The agent asks before it does something. */
export interface PermissionItem {
  type: 'permission';
  request: RequestPermissionRequest;
  answer: (answer: Answer) => void;
}

/** Something that happened in a turn. */
export type TurnItem =
  | { type: 'update'; update: JsonObject }
  | PermissionItem
  | { type: 'end'; response: PromptResponse }
  | { type: 'failed'; error: unknown };

/**
 * One prompt to an agent, until it has answered it. News wait here until they are taken, so that a turn can
 * outlive the run that began it: while a person decides there is no run.
 */
export class Turn {
  /** The id of the event that its answer will become. */
  readonly itemId = randomUUID();
  readonly startedAt = performance.now();
  readonly calls = new ToolCalls();
  readonly stream: ItemStream;
  /** A request that a person decides about, and the last message when they were asked. */
  pending: PermissionItem | undefined;
  askedAt: string | null = null;
  /** The id of the event that shows what they are asked. */
  askedCall = '';
  /** Somebody wanted the agent to stop. */
  cancelled = false;
  text = '';
  thoughts = '';
  /**
   * What the agent says that it uses: the size of its context (tokens), and what the session has cost (US
   * dollars).
   */
  contextWindow = 0;
  sessionCost: number | undefined;
  private readonly waiting: { item: TurnItem; size: number }[] = [];
  /** Of all that waits (characters). */
  private waitingSize = 0;
  private wake: () => void = () => undefined;
  private readonly roomWaiters: (() => void)[] = [];

  constructor(
    /** The last message that it answers. */
    readonly messageId: string,
    openStream: (itemId: string) => ItemStream,
  ) {
    this.stream = openStream(this.itemId);
  }

  /** Takes the answer of the agent when it comes. Resolves then, and never fails. */
  async answeredBy(prompt: Promise<PromptResponse>): Promise<void> {
    try {
      this.push({ type: 'end', response: await prompt });
    } catch (error) {
      this.push({ type: 'failed', error });
    }
  }

  /** @param size what it takes (characters) */
  push(item: TurnItem, size = 0): void {
    this.waiting.push({ item, size });
    this.waitingSize += size;
    this.wake();
  }

  /** Resolves when more may come. */
  room(): Promise<void> {
    if (this.hasRoom) return Promise.resolve();
    return new Promise((resolve) => this.roomWaiters.push(resolve));
  }

  /** Nothing more is taken: who waits for room need not. */
  drop(): void {
    this.waitingSize = 0;
    for (const { item } of this.waiting.splice(0)) if (item.type === 'permission') item.answer(undefined);
    this.pending?.answer(undefined);
    this.pending = undefined;
    for (const resolve of this.roomWaiters.splice(0)) resolve();
  }

  /** The next news; undefined when none came for so long. @param limitMs how long */
  async next(limitMs: number, signal: AbortSignal): Promise<TurnItem | undefined> {
    if (this.waiting.length === 0) await this.news(limitMs, signal);
    signal.throwIfAborted();
    const { item, size } = this.waiting.shift() ?? { item: undefined, size: 0 };
    this.waitingSize -= size;
    if (this.hasRoom) for (const resolve of this.roomWaiters.splice(0)) resolve();
    return item;
  }

  say(text: string): void {
    if (this.text.length < MAX_TEXT) this.text = `${this.text}${text}`.slice(0, MAX_TEXT);
    this.stream.delta({ kind: 'text', content: text });
  }

  think(text: string): void {
    if (this.thoughts.length < MAX_TEXT) this.thoughts = `${this.thoughts}${text}`.slice(0, MAX_TEXT);
    this.stream.delta({ kind: 'reasoning', content: text });
  }

  private get hasRoom(): boolean {
    return this.waiting.length < MAX_WAITING && this.waitingSize < MAX_WAITING_SIZE;
  }

  private async news(limitMs: number, signal: AbortSignal): Promise<void> {
    const wake = (): void => this.wake();
    const arrived = new Promise<void>((resolve) => (this.wake = resolve));
    signal.addEventListener('abort', wake, { once: true });
    const timer = setTimeout(wake, limitMs);
    await arrived;
    clearTimeout(timer);
    // A long turn waits often: what is left at the signal would add up.
    signal.removeEventListener('abort', wake);
  }
}
