import type {
  ACPToolCallEvent,
  ActionEvent,
  AgentErrorEvent,
  Condensation,
  DurableEvent,
  MessageEvent,
  ObservationEvent,
  SystemPromptEvent,
  UserRejectObservation,
} from '../events/index.js';

/** Events of the active branch, without state updates: those never become the head of the tree. */
export type BranchEvent = Exclude<DurableEvent, { kind: 'ConversationStateUpdateEvent' }>;

/**
 * Stands in the view for what a condensation took out of it. It is in no log; its id is made of the
 * condensation's.
 */
export interface CondensationSummary {
  id: string;
  summary: string;
  kind: 'CondensationSummaryEvent';
}

/** What becomes a message for the model. */
export type ViewEvent =
  | SystemPromptEvent
  | MessageEvent
  | ActionEvent
  | ObservationEvent
  | AgentErrorEvent
  | UserRejectObservation
  | CondensationSummary;

/** Branch events kept for those who look at the recent past, whatever was condensed. */
const MAX_RECENT_EVENTS = 50;

/** Whether an event belongs to the tree, and so to the branch that it is the head of. */
export function isBranchEvent(event: DurableEvent): event is BranchEvent {
  return event.kind !== 'ConversationStateUpdateEvent';
}

/**
 * What the agent sees of its conversation: the events from the root to the head, oldest first, without what
 * was condensed away, and the actions among them that have no result yet. Kept up to date event by event, so
 * that a step does not read the history again; what is forgotten is not kept in memory.
 */
export class AgentView {
  private visible: ViewEvent[] = [];
  private recentEvents: BranchEvent[] = [];
  private readonly openActions = new Map<string, ActionEvent>();
  private openAcpCalls: Map<string, ACPToolCallEvent> | undefined;
  private isCondensationRequested = false;
  private lastUserMessageEvent: MessageEvent | undefined;

  /** Takes in the new head. */
  push(event: BranchEvent): void {
    // Large, and about the past of nobody: how the agent was asked is not what it did.
    if (event.kind === 'LLMCompletionLogEvent') return;
    this.recentEvents.push(event);
    if (this.recentEvents.length > 2 * MAX_RECENT_EVENTS)
      this.recentEvents = this.recentEvents.slice(-MAX_RECENT_EVENTS);
    if (isVisible(event)) this.visible.push(event);
    if (isUserMessage(event)) this.lastUserMessageEvent = event;
    if (event.kind === 'ActionEvent') {
      if (event.action) this.openActions.set(event.id, event);
    } else if (event.kind === 'ObservationEvent' || event.kind === 'UserRejectObservation') {
      this.openActions.delete(event.action_id);
    } else if (event.kind === 'AgentErrorEvent') {
      const failed = this.pendingActions().find((action) => action.tool_call_id === event.tool_call_id);
      if (failed) this.openActions.delete(failed.id);
    } else if (event.kind === 'ACPToolCallEvent') {
      if (hasEnded(event)) this.openAcpCalls?.delete(event.tool_call_id);
      else (this.openAcpCalls ??= new Map()).set(event.tool_call_id, event);
    } else if (event.kind === 'CondensationRequest') {
      this.isCondensationRequested = true;
    } else if (event.kind === 'Condensation') {
      this.condense(event);
    }
  }

  /** What becomes messages for the model. */
  get events(): readonly ViewEvent[] {
    return this.visible;
  }

  /** The last message of the user that is still there. */
  get lastUserMessage(): MessageEvent | undefined {
    return this.lastUserMessageEvent;
  }

  /** The last events of the branch, condensed or not. */
  get recent(): readonly BranchEvent[] {
    return this.recentEvents;
  }

  /** Somebody asked for the history to be condensed, and it was not yet. */
  get condensationRequested(): boolean {
    return this.isCondensationRequested;
  }

  /** Valid actions without an observation, a rejection or an error, in the order of their calls. */
  pendingActions(): ActionEvent[] {
    return [...this.openActions.values()];
  }

  /** Calls of an agent from elsewhere that have begun and not ended. */
  pendingAcpCalls(): ACPToolCallEvent[] {
    return [...(this.openAcpCalls?.values() ?? [])];
  }

  private condense({ id, forgotten_event_ids, summary, summary_offset }: Condensation): void {
    this.isCondensationRequested = false;
    const forgotten = new Set(forgotten_event_ids);
    const kept = this.visible.filter((event) => !forgotten.has(event.id));
    if (summary !== undefined && summary_offset !== undefined) {
      kept.splice(summary_offset, 0, { id: `${id}-summary`, summary, kind: 'CondensationSummaryEvent' });
    }
    this.visible = kept;
    this.lastUserMessageEvent = kept.findLast(isUserMessage);
  }
}

/** Whether an event is a message of the user. */
export function isUserMessage(event: BranchEvent | ViewEvent): event is MessageEvent {
  return event.kind === 'MessageEvent' && event.source === 'user';
}

function hasEnded({ status }: ACPToolCallEvent): boolean {
  return status === 'completed' || status === 'failed';
}

function isVisible(event: BranchEvent): event is BranchEvent & ViewEvent {
  switch (event.kind) {
    case 'SystemPromptEvent':
    case 'MessageEvent':
    case 'ActionEvent':
    case 'ObservationEvent':
    case 'AgentErrorEvent':
    case 'UserRejectObservation':
      return true;
    default:
      return false;
  }
}
