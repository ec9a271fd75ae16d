import { QUEUED_RUN, stateUpdate, type EventDraft, type ExecutionStatus } from '../../events/index.js';

/** The event of a run that waited for a free slot and was cancelled: the status says nothing about it. */
export function queuedRunCancelled(): EventDraft {
  return stateUpdate(QUEUED_RUN, 'cancelled');
}

/** The event of a change of status. */
export function statusUpdate(status: ExecutionStatus): EventDraft {
  return stateUpdate('execution_status', status);
}

/** The events of a pause. */
export function pauseDrafts(): EventDraft[] {
  return [statusUpdate('paused'), { source: 'user', kind: 'PauseEvent' }];
}
