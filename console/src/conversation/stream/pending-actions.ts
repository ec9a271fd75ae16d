import { textAt, type WireEvent } from './wire-event.js';

/** Most actions that are remembered. An answer of a model has far fewer calls. */
const MAX_ACTIONS = 200;
const RESULTS = new Set(['ObservationEvent', 'AgentErrorEvent', 'UserRejectObservation']);

/** Whether an event is the result of a tool call. */
export function isResult({ kind }: WireEvent): boolean {
  return RESULTS.has(kind);
}

/** The last actions that have no result yet. */
export class PendingActions {
  private readonly actions = new Map<string, WireEvent>();

  get list(): WireEvent[] {
    return [...this.actions.values()];
  }

  take(event: WireEvent): void {
    if (event.kind === 'ActionEvent' && event['action'] !== undefined && event['action'] !== null) {
      this.actions.set(event.id, event);
      const [oldest] = this.actions.keys();
      if (this.actions.size > MAX_ACTIONS && oldest !== undefined) this.actions.delete(oldest);
    } else if (isResult(event)) this.settle(event);
  }

  private settle(result: WireEvent): void {
    if (this.actions.delete(textAt(result, 'action_id'))) return;
    const call = textAt(result, 'tool_call_id');
    for (const [id, action] of this.actions) {
      if (call !== '' && textAt(action, 'tool_call_id') === call) this.actions.delete(id);
    }
  }
}
