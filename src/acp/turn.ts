import { randomUUID } from 'node:crypto';
import type { PromptResponse, RequestPermissionRequest } from '@agentclientprotocol/sdk';
import type { ItemStream } from '../agent/agent-session.js';
import { ToolCalls } from './tool-calls.js';

/** News that may wait to be taken: with more, the agent is not read on. */
const MAX_WAITING = 500;
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
  | { type: 'update'; update: Record<string, unknown> }
  | PermissionItem
  | { type: 'end'; response: PromptResponse }
  | { type: 'failed'; error: unknown };

/**
 * One prompt to an agent, until it has answered it. News wait here until they are taken, so that a turn can outlive the
 * run that began it: while a person decides there is no run.
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
  /** What the agent says that it uses: the size of its context (tokens), and what the session has cost (US dollars). */
  contextWindow = 0;
  sessionCost: number | undefined;
  private readonly waiting: TurnItem[] = [];
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

  push(item: TurnItem): void {
    this.waiting.push(item);
    this.wake();
  }

  /** Resolves when more may come. */
  room(): Promise<void> {
    if (this.waiting.length < MAX_WAITING) return Promise.resolve();
    return new Promise((resolve) => this.roomWaiters.push(resolve));
  }

  /** Nothing more is taken: who waits for room need not. */
  drop(): void {
    for (const item of this.waiting.splice(0)) if (item.type === 'permission') item.answer(undefined);
    this.pending?.answer(undefined);
    this.pending = undefined;
    for (const resolve of this.roomWaiters.splice(0)) resolve();
  }

  /** The next news; undefined when none came for so long. @param limitMs how long */
  async next(limitMs: number, signal: AbortSignal): Promise<TurnItem | undefined> {
    if (this.waiting.length === 0) await this.news(limitMs, signal);
    signal.throwIfAborted();
    const item = this.waiting.shift();
    if (this.waiting.length < MAX_WAITING) for (const resolve of this.roomWaiters.splice(0)) resolve();
    return item;
  }

  say(text: string): void {
    this.text = `${this.text}${text}`.slice(0, MAX_TEXT);
    this.stream.delta({ kind: 'text', content: text });
  }

  think(text: string): void {
    this.thoughts = `${this.thoughts}${text}`.slice(0, MAX_TEXT);
    this.stream.delta({ kind: 'reasoning', content: text });
  }

  private async news(limitMs: number, signal: AbortSignal): Promise<void> {
    const arrived = new Promise<void>((resolve) => {
      this.wake = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    const timer = setTimeout(() => this.wake(), limitMs);
    await arrived;
    clearTimeout(timer);
  }
}
