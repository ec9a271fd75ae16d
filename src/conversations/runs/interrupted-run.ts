import { runErrorDraft, toolErrorDraft, TOOL_FAULT } from '../../agent/index.js';
import type { ActionEvent, EventDraft } from '../../events/index.js';
import { statusUpdate } from '../state/state-updates.js';

/** For the model, about a tool that was running when the server ended. */
const RESTARTED =
  'A restart occurred while this tool was in progress. This may indicate a fatal memory error or system crash. ' +
  'The tool execution was interrupted and did not complete.';

/** For the model, about a tool whose result could not be stored. */
const NOT_STORED =
  'The result of this tool could not be stored and is lost. The tool may have done its work.';

/** Why a run ended without an event of its end. */
export type InterruptedRun =
  | { by: 'restart'; resumes: boolean }
  /** The log could not be written: a full disk, for example. */
  | { by: 'storage'; reason: string };

/**
 * The events that record an interrupted run: an error for each action without a result, the reason and the
 * status. The status comes last: if a crash interrupts this record too, the next start writes it again.
 */
export function interruptedRunDrafts(
  interrupted: InterruptedRun,
  pendingActions: readonly ActionEvent[],
): EventDraft[] {
  const text = interrupted.by === 'restart' ? RESTARTED : NOT_STORED;
  const errors = pendingActions.map((action) => toolErrorDraft(action, text, TOOL_FAULT));
  if (interrupted.by === 'storage') {
    return [...errors, runErrorDraft('StorageFailedError', interrupted.reason), statusUpdate('error')];
  }
  const what = 'The server stopped while this conversation was running.';
  return interrupted.resumes
    ? [...errors, runErrorDraft('ServerRestarted', `${what} It is resumed automatically.`)]
    : [
        ...errors,
        runErrorDraft('ServerRestarted', `${what} It is paused; run it to continue.`),
        statusUpdate('paused'),
      ];
}
