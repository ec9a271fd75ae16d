import { type ConversationEvent, type ConversationStateUpdateEvent, QUEUED_RUN } from '../../events/index.js';
import { asJsonObject } from '../../json/index.js';

/** Where a task is in its life. The last three are final. */
export type TaskPhase = 'submitted' | 'working' | 'approval' | 'paused' | 'completed' | 'failed' | 'canceled';

/** What an event says about a task. */
export type TaskFact =
  | { type: 'status'; status: string }
  | { type: 'failure'; text: string }
  | { type: 'message' | 'answer' }
  /** The run that waited for a free slot was cancelled. */
  | { type: 'dequeued' }
  /** The task that began with this message was canceled. */
  | { type: 'canceled'; messageId: string };

/** The tag of a conversation that says which of its tasks was canceled last: nothing else in the log does. */
export const CANCELED_TAG = 'a2acanceled';

/** Kinds of the events that say something about tasks. */
export const TASK_EVENTS: ReadonlySet<string> = new Set<ConversationEvent['kind']>([
  'ConversationStateUpdateEvent',
  'ConversationErrorEvent',
  'MessageEvent',
  'ActionEvent',
]);

/** Most messages of a task that its history shows. */
const MAX_MESSAGES = 100;
/** Most of the text of an error (characters). */
const MAX_FAILURE = 4_000;
const STUCK = 'The agent repeated itself and was stopped.';
const FINAL: ReadonlySet<TaskPhase> = new Set<TaskPhase>(['completed', 'failed', 'canceled']);

/** What an event of the log says about tasks; undefined if it says nothing. */
export function factOf(event: ConversationEvent): TaskFact | undefined {
  switch (event.kind) {
    case 'ConversationStateUpdateEvent':
      return factOfState(event);
    case 'ConversationErrorEvent':
      return { type: 'failure', text: `${event.code}: ${event.detail}`.slice(0, MAX_FAILURE) };
    case 'MessageEvent':
      if (event.source === 'user') return { type: 'message' };
      return event.source === 'agent' ? { type: 'answer' } : undefined;
    case 'ActionEvent':
      return event.tool_name === 'finish' ? { type: 'answer' } : undefined;
    default:
      return undefined;
  }
}

function factOfState({ key, value }: ConversationStateUpdateEvent): TaskFact | undefined {
  if (key === 'execution_status' && typeof value === 'string') return { type: 'status', status: value };
  if (key === QUEUED_RUN) return { type: 'dequeued' };
  const messageId = key === 'tags' ? asJsonObject(value)[CANCELED_TAG] : undefined;
  return typeof messageId === 'string' ? { type: 'canceled', messageId } : undefined;
}

/**
 * A task as the log tells it: everything from its first message to the end of the run that answers it. What
 * follows in the conversation belongs to other tasks.
 */
export class TaskFold {
  /** The number of the event that is looked at next. */
  next: number;
  phase: TaskPhase = 'submitted';
  /** When it got there: a timestamp of the log. */
  since: string;
  /** The error of a run that failed or was cut off. */
  failure: string | undefined;
  /** When the run has failed, if the event that says why is still to come. */
  private failedAt: string | undefined;
  /** The event with the final answer. */
  answer: number | undefined;
  /** The events of its messages, those of the agent included. */
  messages: number[];

  /**
   * @param messageId the event of the first message
   * @param start its number
   * @param at its timestamp
   */
  constructor(
    private readonly messageId: string,
    start: number,
    at: string,
  ) {
    this.next = start + 1;
    this.since = at;
    this.messages = [start];
  }

  /** A copy, so that somebody else can go on from here. */
  copy(): TaskFold {
    const copy = new TaskFold(this.messageId, this.next - 1, this.since);
    return Object.assign(copy, this, { messages: [...this.messages] });
  }

  get isFinal(): boolean {
    return FINAL.has(this.phase);
  }

  /** Whether it goes on only when somebody does something. */
  get isResting(): boolean {
    return this.isFinal || this.phase === 'approval' || this.phase === 'paused';
  }

  /**
   * Applies the next event.
   * @returns whether the task has changed its phase
   */
  apply(fact: TaskFact | undefined, at: string): boolean {
    const seq = this.next;
    this.next += 1;
    if (this.isFinal) return false;
    if (this.failedAt !== undefined) {
      if (fact?.type === 'failure') this.failure = fact.text;
      return this.settle();
    }
    if (fact === undefined) return false;
    const { phase } = this;
    switch (fact.type) {
      case 'message':
      case 'answer':
        if (fact.type === 'answer') this.answer = seq;
        // The first one stays: it is what the task is about.
        if (this.messages.length >= MAX_MESSAGES) this.messages.splice(1, 1);
        this.messages.push(seq);
        break;
      case 'failure':
        this.failure = fact.text;
        break;
      case 'canceled':
        if (fact.messageId === this.messageId) this.phase = 'canceled';
        break;
      case 'dequeued':
        // One that has worked before rests as it did then.
        if (phase === 'submitted') this.phase = 'canceled';
        break;
      case 'status':
        this.phase = this.afterStatus(fact.status, at);
    }
    if (this.phase === phase) return false;
    this.since = at;
    return true;
  }

  /** Goes on behind events that say nothing about the task. @returns as `apply` */
  skipTo(next: number): boolean {
    this.next = Math.max(this.next, next);
    return this.settle();
  }

  /** No event says why the run has failed, or not yet. @returns as `apply` */
  settle(): boolean {
    if (this.failedAt === undefined) return false;
    this.phase = 'failed';
    this.since = this.failedAt;
    this.failedAt = undefined;
    return true;
  }

  private afterStatus(status: string, at: string): TaskPhase {
    switch (status) {
      case 'running':
        // It has recovered from what happened before.
        this.failure = undefined;
        return 'working';
      case 'waiting_for_confirmation':
        return 'approval';
      case 'finished':
        return 'completed';
      case 'stuck':
        this.failure ??= STUCK;
        return 'failed';
      case 'error':
        if (this.failure !== undefined) return 'failed';
        this.failedAt = at;
        return this.phase;
      case 'paused':
        return 'paused';
      default:
        return this.phase;
    }
  }
}
