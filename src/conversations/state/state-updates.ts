import type { EventDraft, ExecutionStatus } from '../../events/index.js';

/** The event of a change of one field of the state. */
export function stateUpdate(key: string, value: unknown): EventDraft {
  return { source: 'environment', key, value, kind: 'ConversationStateUpdateEvent' };
}

/** The event of a change of status. */
export function statusUpdate(status: ExecutionStatus): EventDraft {
  return stateUpdate('execution_status', status);
}

/** The events of a pause. */
export function pauseDrafts(): EventDraft[] {
  return [statusUpdate('paused'), { source: 'user', kind: 'PauseEvent' }];
}
