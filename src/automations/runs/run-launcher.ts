import type { Automation } from '../definitions/automation.js';
import type { AutomationRun } from './automation-run.js';
import type { RunOutcome } from './run-outcome.js';

/** A conversation that works on a run. */
export interface LaunchedRun {
  conversationId: string;
  /** Never rejects. */
  ended: Promise<RunOutcome>;
  /** Stops the agent in the middle of its step. Resolves when it has stopped. */
  interrupt(): Promise<void>;
}

/** The server has no room for another run at the moment: it is tried again later. */
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

/** Starts runs as conversations. */
export abstract class RunLauncher {
  /**
   * Starts the conversation of a run, or goes on with the one that a crash has left: it is started once.
   * @param signal aborted when nobody wants the run any more
   * @throws NoRoomError, HeldElsewhereError, LaunchError
   */
  abstract launch(automation: Automation, run: AutomationRun, signal: AbortSignal): Promise<LaunchedRun>;

  /** Looks for the conversation of a run whose process has ended. */
  abstract find(automation: Automation, run: AutomationRun): Promise<FoundRun>;
}
