import { Narration, type Piece } from '../../conversations/index.js';
import type { EventBus, PublishedEvent } from '../../events/index.js';
import { TaskWatchEndedError, UnknownTaskError } from './task-errors.js';
import { factOf, type TaskFact, type TaskFold } from './task-fold.js';

/** What happens to a task: another phase, or something that its agent says. */
export type TaskUpdate = { type: 'phase' } | Piece;

/** Most text that waits for a slow client; more is left out (characters). The end has the whole answer. */
const MAX_WAITING_TEXT = 1024 * 1024;

/** An event that says something about the task, or `count` events in a row that say nothing. */
type Queued =
  | { type: 'event'; seq: number; at: string; fact: TaskFact }
  | { type: 'others'; seq: number; count: number }
  | Piece;

/**
 * Hears from the bus what happens in a conversation, from its construction on. Nothing is asked again and
 * again; of what nobody has read yet only short facts and a bounded text are kept.
 */
export class TaskWatch {
  private readonly narration = new Narration();
  private readonly unsubscribe: () => void;
  private queue: Queued[] = [];
  private waitingText = 0;
  private wake: () => void = () => undefined;
  private end: { error: Error | undefined } | undefined;

  constructor(
    bus: EventBus,
    conversationId: string,
    /** Has pieces of unfinished answers, too. */
    withText: boolean,
    /** Called once, when it hears nothing more. */
    private readonly onStopped: () => void,
  ) {
    if (withText) this.narration.listen((piece) => this.add(piece));
    this.unsubscribe = bus.subscribe(conversationId, {
      onEvent: (published) => this.onEvent(published, withText),
      ...(withText && { onItem: (item) => this.narration.onItem(item) }),
      onClosing: ({ removed, mayMove }) => {
        if (removed) this.stop(new UnknownTaskError(conversationId));
        else if (mayMove) this.stop(new TaskWatchEndedError());
        return Promise.resolve();
      },
    });
  }

  /** Ends the watch; whoever reads the updates gets the error, if there is one. Idempotent. */
  stop(error?: Error): void {
    if (this.end) return;
    this.end = { error };
    this.unsubscribe();
    this.narration.close();
    this.onStopped();
    this.wake();
  }

  /**
   * Applies what is heard to a fold, and tells what has changed, until the task rests.
   * @param fold as the log was at some time after the watch began, or before
   * @param readOn applies the log up to an event that is not the next one of the fold
   * @param rests whether the task may be over from the beginning
   */
  async *updates(
    fold: TaskFold,
    readOn: (fold: TaskFold, length: number) => Promise<void>,
    rests: boolean,
  ): AsyncGenerator<TaskUpdate, void> {
    try {
      if (fold.isFinal || (rests && fold.isResting)) return;
      for (;;) {
        const item = this.take();
        if (!item) {
          if (!this.end) await this.more();
          else if (this.end.error === undefined) return;
          else throw this.end.error;
          continue;
        }
        if (isPiece(item)) {
          yield item;
          continue;
        }
        const { phase } = fold;
        if (item.seq > fold.next) await readOn(fold, item.seq);
        if (item.type === 'others') fold.skipTo(item.seq + item.count);
        else if (item.seq === fold.next) fold.apply(item.fact, item.at);
        // What the task rests for was about to change, and does not.
        const isDequeued = item.type === 'event' && item.fact.type === 'dequeued' && fold.isResting;
        if (fold.phase !== phase || isDequeued) yield { type: 'phase' };
        if (isDequeued || (fold.phase !== phase && fold.isResting)) return;
      }
    } finally {
      this.stop();
    }
  }

  private onEvent({ event, seq }: PublishedEvent, withText: boolean): void {
    // What the agent has said comes before what it leads to.
    if (withText) this.narration.onEvent(event);
    if (seq === undefined) return;
    const fact = factOf(event);
    this.add(fact ? { type: 'event', seq, at: event.timestamp, fact } : { type: 'others', seq, count: 1 });
  }

  private add(item: Queued): void {
    if (this.end) return;
    const last = this.queue.at(-1);
    if (isPiece(item)) {
      if (this.waitingText + item.text.length > MAX_WAITING_TEXT) return;
      this.waitingText += item.text.length;
      if (last?.type === 'text' && item.type === 'text') last.text += item.text;
      else this.queue.push({ ...item });
    } else if (item.type === 'others' && last?.type === 'others' && last.seq + last.count === item.seq) {
      last.count += item.count;
    } else this.queue.push(item);
    this.wake();
  }

  private take(): Queued | undefined {
    const item = this.queue.shift();
    if (item && isPiece(item)) this.waitingText -= item.text.length;
    return item;
  }

  private more(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }
}

function isPiece(item: Queued): item is Piece {
  return item.type === 'text' || item.type === 'end';
}
