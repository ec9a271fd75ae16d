import { runErrorDraft, toolErrorDraft } from '../../agent/event-drafts.js';
import { TOOL_FAULT } from '../../agent/error-classification.js';
import type { ActionEvent, EventDraft } from '../../events/index.js';
import { statusUpdate } from './run.js';

/** What an agent reads about the tool that its server died with. */
const RESTARTED =
  'A restart occurred while this tool was in progress. This may indicate a fatal memory error or system crash. ' +
  'The tool execution was interrupted and did not complete.';

/** What an agent reads about the tool whose result could not be stored. */
const NOT_STORED =
  'The result of this tool could not be stored and is lost. The tool may have done its work.';

/** Why a run ended without a word in the log, and what follows from it. */
export type InterruptedRun =
  | { by: 'restart'; goesOn: boolean }
  /** The log took nothing more: a full disk, for example. */
  | { by: 'storage'; reason: string };

/**
 * What the log is told of a run that was cut off: an error for each action that has no result, why, and the
 * status. The status comes last: should this record be cut off too, the next start makes it again.
 */
export function interruptedRunDrafts(
  cutOff: InterruptedRun,
  unmatched: readonly ActionEvent[],
): EventDraft[] {
  const text = cutOff.by === 'restart' ? RESTARTED : NOT_STORED;
  const errors = unmatched.map((action) => toolErrorDraft(action, text, TOOL_FAULT));
  if (cutOff.by === 'storage') {
    return [...errors, runErrorDraft('StorageFailedError', cutOff.reason), statusUpdate('error')];
  }
  const what = 'The server stopped while this conversation was running.';
  return cutOff.goesOn
    ? [...errors, runErrorDraft('ServerRestarted', `${what} It goes on by itself.`)]
    : [
        ...errors,
        runErrorDraft('ServerRestarted', `${what} It is paused; run it to go on.`),
        statusUpdate('paused'),
      ];
}
