import { stateUpdate, type EventDraft, type ExecutionStatus } from '../../events/index.js';

/** The event of a change of status. */
export function statusUpdate(status: ExecutionStatus): EventDraft {
  return stateUpdate('execution_status', status);
}

/** The events of a pause. */
export function pauseDrafts(): EventDraft[] {
  return [statusUpdate('paused'), { source: 'user', kind: 'PauseEvent' }];
}
