import type { Automation } from '../definitions/automation.js';
import type { AutomationRun } from './automation-run.js';
import type { RunOutcome } from './run-outcome.js';

/** A conversation that works on a run. */
export interface LaunchedRun {
  conversationId: string;
  /** Whether its agent waits for a free slot of the server. */
  isWaiting: boolean;
  /** Resolves when its agent has a slot, or is not to begin any more. */
  begun: Promise<void>;
  /** `moved`: the conversation is not worked on here any more. Never rejects. */
  ended: Promise<RunOutcome | 'moved'>;
  /** Stops the agent in the middle of its step. Resolves when it has stopped. */
  interrupt(): Promise<void>;
}

/** The server has no room for another run, not even for one that waits: it is tried again later. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
}

/** Another server holds the conversation of the run: it works on it, or its end is not known yet. */
export class HeldElsewhereError extends Error {
  override readonly name = 'HeldElsewhereError';
}

/** The run cannot be started. The message is a sentence for people. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError';
  constructor(
    message: string,
    readonly outcome: RunOutcome,
  ) {
    super(message);
  }
}

/** What a stored run has come to that another process worked on. */
export type FoundRun =
  /** Another server works on it, or will. */
  | { state: 'working' }
  /** Nothing was started. */
  | { state: 'missing' }
  | { state: 'here'; launched: LaunchedRun }
  | { state: 'ended'; outcome: RunOutcome };

/** What is stored of a start before its message is sent: a second attempt does the same. */
export interface LaunchNote {
  /** What the agent is told. */
  message: string;
  /** Whether the agent answers. */
  wakes: boolean;
  /** What its conversation had cost before (US dollars). */
  costBefore: number;
}

/** Starts runs as conversations. */
export abstract class RunLauncher {
  /**
   * Starts the conversation of a run, or goes on with the one that a crash has left: it is started once.
   * @param note stores what a crash must not change
   * @param signal aborted when nobody wants the run any more
   * @throws NoRoomError, HeldElsewhereError, LaunchError
   */
  abstract launch(
    automation: Automation,
    run: AutomationRun,
    note: (launch: LaunchNote) => Promise<void>,
    signal: AbortSignal,
  ): Promise<LaunchedRun>;

  /**
   * Whether a run is to be started by this server: its conversation, if it goes on with one, may be open on
   * another one.
   */
  abstract isForThisServer(run: AutomationRun): Promise<boolean>;

  /** Looks for the conversation of a run whose process has ended. */
  abstract find(automation: Automation, run: AutomationRun): Promise<FoundRun>;
}
