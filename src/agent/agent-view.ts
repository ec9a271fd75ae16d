import type { ActionEvent, DurableEvent } from '../events/index.js';

/** Events of the active branch, without state updates: those never become the head of the tree. */
export type BranchEvent = Exclude<DurableEvent, { kind: 'ConversationStateUpdateEvent' }>;

/** Whether an event belongs to the tree, and so to the branch that it is the head of. */
export function isBranchEvent(event: DurableEvent): event is BranchEvent {
  return event.kind !== 'ConversationStateUpdateEvent';
}

/**
 * What the agent sees of its conversation: the events from the root to the head, oldest first, and the actions among
 * them that have no result yet. Kept up to date event by event, so that a step does not read the history again.
 */
export class AgentView {
  private readonly branch: BranchEvent[] = [];
  private readonly open = new Map<string, ActionEvent>();

  /** Takes in the new head. */
  push(event: BranchEvent): void {
    this.branch.push(event);
    if (event.kind === 'ActionEvent') {
      if (event.action) this.open.set(event.id, event);
    } else if (event.kind === 'ObservationEvent' || event.kind === 'UserRejectObservation') {
      this.open.delete(event.action_id);
    } else if (event.kind === 'AgentErrorEvent') {
      const failed = this.unmatched().find((action) => action.tool_call_id === event.tool_call_id);
      if (failed) this.open.delete(failed.id);
    }
  }

  get events(): readonly BranchEvent[] {
    return this.branch;
  }

  /** Valid actions without an observation, a rejection or an error, in the order of their calls. */
  unmatched(): ActionEvent[] {
    return [...this.open.values()];
  }
}
