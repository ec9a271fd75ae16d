import type { ConversationEvent } from '../../events/index.js';

/** Where a task is in its life. The last three are final. */
export type TaskPhase = 'submitted' | 'working' | 'approval' | 'paused' | 'completed' | 'failed' | 'canceled';

/** What an event says about a task. */
export type TaskFact =
  | { type: 'status'; status: string }
  | { type: 'failure'; text: string }
  | { type: 'paused' | 'interrupted' | 'message' | 'answer' };

/** Kinds of the events that say something about tasks. */
export const TASK_EVENTS: ReadonlySet<string> = new Set<ConversationEvent['kind']>([
  'ConversationStateUpdateEvent',
  'ConversationErrorEvent',
  'MessageEvent',
  'ActionEvent',
  'PauseEvent',
  'InterruptEvent',
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
      if (event.key !== 'execution_status' || typeof event.value !== 'string') return undefined;
      return { type: 'status', status: event.value };
    case 'ConversationErrorEvent':
      return { type: 'failure', text: `${event.code}: ${event.detail}`.slice(0, MAX_FAILURE) };
    case 'MessageEvent':
      if (event.source === 'user') return { type: 'message' };
      return event.source === 'agent' ? { type: 'answer' } : undefined;
    case 'ActionEvent':
      return event.tool_name === 'finish' ? { type: 'answer' } : undefined;
    case 'PauseEvent':
      return { type: 'paused' };
    case 'InterruptEvent':
      return { type: 'interrupted' };
    default:
      return undefined;
  }
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
  /** The event with the final answer. */
  answer: number | undefined;
  /** The events of its messages, those of the agent included. */
  messages: number[];

  /**
   * @param start the number of the first message
   * @param at its timestamp
   */
  constructor(start: number, at: string) {
    this.next = start + 1;
    this.since = at;
    this.messages = [start];
  }

  /** A copy, so that somebody else can go on from here. */
  copy(): TaskFold {
    const copy = new TaskFold(this.next - 1, this.since);
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
    if (fact === undefined || this.isFinal) return false;
    const { phase } = this;
    switch (fact.type) {
      case 'message':
      case 'answer':
        if (fact.type === 'answer') this.answer = seq;
        if (this.messages.length < MAX_MESSAGES) this.messages.push(seq);
        break;
      case 'failure':
        this.failure = fact.text;
        break;
      case 'paused':
        this.phase = 'paused';
        break;
      case 'interrupted':
        this.phase = 'canceled';
        break;
      case 'status':
        this.phase = this.afterStatus(fact.status);
    }
    if (this.phase === phase) return false;
    this.since = at;
    return true;
  }

  private afterStatus(status: string): TaskPhase {
    switch (status) {
      case 'running':
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
        return 'failed';
      case 'paused':
        // A pause or an interrupt is told by the next event. Otherwise the server has stopped in between.
        return this.failure === undefined ? this.phase : 'paused';
      default:
        return this.phase;
    }
  }
}
