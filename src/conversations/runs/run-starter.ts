import type { Background } from '../conversation/background.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import { AlreadyRunningError, RunLimitError } from '../conversation-errors.js';
import type { Journal } from '../journal/journal.js';
import type { QueuePlace, RunRequest } from './queue/queued-run.js';
import type { RunControl } from './run-control.js';

/** A run begins within so many events after its message: those of hooks and of the session come before. */
const RUN_BEGIN_EVENTS = 200;
/** As it is in a line of the log. */
const RUNNING_STATUS = '"key":"execution_status","value":"running"';

/** Starts the runs of one conversation, or has them wait for a free slot. */
export class RunStarter {
  constructor(
    private readonly journal: Journal,
    private readonly runs: RunControl,
    private readonly services: ConversationServices,
    private readonly background: Background,
    private readonly hasGoal: () => boolean,
  ) {}

  /** The place of the run in the queue; undefined if none waits. */
  get place(): QueuePlace | undefined {
    return this.services.queue.place(this.journal.state.id);
  }

  get isWaiting(): boolean {
    return this.services.queue.has(this.journal.state.id);
  }

  /** Resolves when no run waits any more, because it has started or was cancelled. */
  left(): Promise<void> {
    return this.services.queue.left(this.journal.state.id);
  }

  /** Takes the run out of the queue. Returns whether one was waiting. */
  leave(): Promise<boolean> {
    return this.services.queue.leave(this.journal.state.id);
  }

  /** @throws AlreadyRunningError, RunLimitError, QueueFullError, WorkspaceElsewhereError */
  start(request: RunRequest): Promise<QueuePlace | undefined> {
    this.assertMayRun();
    return this.orWait(request, () => this.runs.start());
  }

  /** Has the current run, or a new one, answer a message. @throws RunLimitError, QueueFullError */
  answerMessage(request: RunRequest, releaseSlot?: () => void): Promise<QueuePlace | undefined> {
    return this.orWait(request, () => this.runs.answerMessage(releaseSlot));
  }

  /**
   * Starts the run that has waited, in a slot that was taken for it. The slot is released if the run is not
   * needed any more.
   * @param since the length of the log when the run began to wait
   * @throws AlreadyRunningError, WorkspaceElsewhereError
   */
  async startWaiting(since: number, releaseSlot: () => void): Promise<void> {
    this.assertMayRun();
    const hasRun = await this.hasRunSince(since);
    this.assertMayRun();
    if (hasRun || this.runs.isRunning || !this.isWaiting) releaseSlot();
    else this.runs.start(releaseSlot);
    // Until then no other server may take the conversation: it would find the run in the queue.
    await this.background.track(this.leave());
  }

  /** @throws AlreadyRunningError while there is a goal; WorkspaceElsewhereError */
  assertMayRun(): void {
    this.journal.life.assertOpen();
    this.services.workspaces.assertHere(this.journal.state);
    if (this.hasGoal()) throw new AlreadyRunningError();
  }

  /** Has a run that reaches a limit wait, if that is wanted. A run that starts leaves the queue. */
  private async orWait(request: RunRequest, start: () => void): Promise<QueuePlace | undefined> {
    const { queue } = this.services;
    const { id, owner_key } = this.journal.state;
    try {
      start();
    } catch (error) {
      if (!(error instanceof RunLimitError) || !queue.waitsOn(request)) throw error;
      await queue.add(id, owner_key, this.journal.length, request.priority);
      return this.place;
    }
    await this.leave();
    return undefined;
  }

  /** Whether a run has begun since the log had this length: here, on another server or before a crash. */
  private async hasRunSince(length: number): Promise<boolean> {
    await this.journal.settled();
    const lines = await this.journal.readLines(length, RUN_BEGIN_EVENTS);
    return lines.some((line) => line.includes(RUNNING_STATUS));
  }
}
