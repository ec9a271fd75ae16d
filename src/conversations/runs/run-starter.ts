import type { Background } from '../conversation/background.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import { AlreadyRunningError, RunLimitError } from '../conversation-errors.js';
import type { GoalLoop } from '../goal/goal-loop.js';
import type { Journal } from '../journal/journal.js';
import { parseJson } from '../../json/index.js';
import { QUEUED_RUN } from '../../events/index.js';
import type { QueuePlace, RunRequest } from './queue/queued-run.js';
import type { RunControl } from './run-control.js';

/** How much of a log is read at a time: events, and bytes. */
const CHUNK_EVENTS = 200;
const CHUNK_BYTES = 256 * 1024;
/** What the line contains of an event that makes a run which waits needless: it is looked at closely. */
const MARKS = ['"execution_status"', '"PauseEvent"', '"InterruptEvent"', `"${QUEUED_RUN}"`];

/** Starts the runs of one conversation, or has them wait for a free slot. */
export class RunStarter {
  /** What has to be done with the start of the run that waits. */
  private onStart: (() => void) | undefined;

  constructor(
    private readonly journal: Journal,
    private readonly runs: RunControl,
    private readonly services: ConversationServices,
    private readonly background: Background,
    private readonly goal: GoalLoop,
  ) {}

  /** The place of the run in the queue; undefined if none waits. */
  get place(): QueuePlace | undefined {
    return this.services.queue.place(this.journal.state.id);
  }

  get isWaiting(): boolean {
    return this.services.queue.has(this.journal.state.id);
  }

  /** Takes the run out of the queue. Returns whether one was waiting. */
  leave(): Promise<boolean> {
    this.onStart = undefined;
    return this.services.queue.leave(this.journal.state.id);
  }

  /** Resolves when no run waits any more: it has started or was cancelled, or the conversation is closed. */
  left(): Promise<void> {
    return this.services.queue.left(this.journal.state.id, this.journal.life.closeSignal);
  }

  /**
   * @param onStart called with the start of the run, unless the server ends before
   * @throws AlreadyRunningError, RunLimitError, QueueFullError, WorkspaceElsewhereError
   */
  async start(request: RunRequest, onStart?: () => void): Promise<QueuePlace | undefined> {
    this.assertMayRun();
    if (this.goal.isWaiting) throw new AlreadyRunningError();
    const place = await this.orWait(request, () => {
      this.runs.start();
      onStart?.();
    });
    if (place) this.onStart = onStart;
    return place;
  }

  /** Has the current run, or a new one, answer a message. @throws RunLimitError, QueueFullError */
  answerMessage(request: RunRequest, releaseSlot?: () => void): Promise<QueuePlace | undefined> {
    return this.orWait(request, () => this.runs.answerMessage(releaseSlot));
  }

  /**
   * Starts the run or the goal that has waited, in a slot that was taken for it. The slot is released if
   * nobody needs it any more.
   * @param since the length of the log when the run began to wait
   * @throws AlreadyRunningError, WorkspaceElsewhereError
   */
  async startWaiting(since: number, releaseSlot: () => void): Promise<void> {
    this.assertMayRun();
    const isNeeded = await this.isNeeded(since);
    this.assertMayRun();
    if (!isNeeded || this.runs.isRunning || !this.isWaiting) releaseSlot();
    else if (this.goal.isWaiting) await this.goal.startWaiting(releaseSlot);
    else {
      this.runs.start(releaseSlot);
      this.onStart?.();
    }
    // Until then no other server may take the conversation: it would find the run in the queue.
    await this.background.track(this.leave());
  }

  /** @throws AlreadyRunningError while there is a goal; WorkspaceElsewhereError */
  assertMayRun(): void {
    this.journal.life.assertOpen();
    this.services.workspaces.assertHere(this.journal.state);
    if (this.goal.active) throw new AlreadyRunningError();
  }

  /** Has a run that reaches a limit wait, if that is wanted. A run that starts leaves the queue. */
  private async orWait(request: RunRequest, start: () => void): Promise<QueuePlace | undefined> {
    const { queue } = this.services;
    const { id, owner_key } = this.journal.state;
    try {
      start();
    } catch (error) {
      // Whatever the request wants: a run that waits already answers it, too.
      const waits = queue.waitsOn(request) || queue.has(id);
      if (!(error instanceof RunLimitError) || !waits) throw error;
      await queue.add({ conversation_id: id, owner_key, log_length: this.journal.length }, request);
      return this.place;
    }
    await this.leave();
    return undefined;
  }

  /**
   * Whether no run has begun since the log had this length, here, on another server or before a crash, and
   * nobody has stopped the conversation.
   */
  private async isNeeded(since: number): Promise<boolean> {
    await this.journal.settled();
    for (let seq = since; seq < this.journal.length;) {
      const lines = await this.journal.readBytes(seq, CHUNK_EVENTS, CHUNK_BYTES);
      if (lines.some(isRunOrStop)) return false;
      if (lines.length === 0) break;
      seq += lines.length;
    }
    return true;
  }
}

function isRunOrStop(line: Buffer): boolean {
  if (!MARKS.some((mark) => line.includes(mark))) return false;
  const { kind, key, value } = parseJson(line.toString()) as Record<string, unknown>;
  if (kind === 'PauseEvent' || kind === 'InterruptEvent') return true;
  if (kind !== 'ConversationStateUpdateEvent') return false;
  return key === QUEUED_RUN || (key === 'execution_status' && value === 'running');
}
