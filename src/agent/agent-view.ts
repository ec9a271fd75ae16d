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

/** Events that belong to a branch: all but state updates, which never become the head of the tree. */
export type BranchEvent = Exclude<DurableEvent, { kind: 'ConversationStateUpdateEvent' }>;

/**
 * Represents condensed events in the view. It is not part of the log; its id is derived from the
 * condensation's.
 */
interface CondensationSummary {
  id: string;
  summary: string;
  kind: 'CondensationSummaryEvent';
}

/** An event that is converted into a message for the model. */
export type ViewEvent =
  | SystemPromptEvent
  | MessageEvent
  | ActionEvent
  | ObservationEvent
  | AgentErrorEvent
  | UserRejectObservation
  | CondensationSummary;

/** Branch events kept for stuck detection, including condensed ones. */
const MAX_RECENT_EVENTS = 50;

/** Whether an event belongs to a branch and can become its head. */
export function isBranchEvent(event: DurableEvent): event is BranchEvent {
  return event.kind !== 'ConversationStateUpdateEvent';
}

/**
 * The events of the active branch as the agent sees them: from root to head, without condensed events, plus
 * the actions that have no result yet. It is updated event by event, so a step does not read the history
 * again. Condensed events are not kept in memory.
 */
export class AgentView {
  private visible: ViewEvent[] = [];
  private recentEvents: BranchEvent[] = [];
  private readonly openActions = new Map<string, ActionEvent>();
  private openAcpCalls: Map<string, ACPToolCallEvent> | undefined;
  private isCondensationRequested = false;
  private lastUserMessageEvent: MessageEvent | undefined;

  /** Adds the new head of the branch. */
  push(event: BranchEvent): void {
    // Large, and not part of what the agent did.
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

  /** The events that are converted into messages for the model. */
  get events(): readonly ViewEvent[] {
    return this.visible;
  }

  /** The user's last message that was not condensed. */
  get lastUserMessage(): MessageEvent | undefined {
    return this.lastUserMessageEvent;
  }

  /** The last events of the branch, including condensed ones. */
  get recent(): readonly BranchEvent[] {
    return this.recentEvents;
  }

  /** A condensation was requested and has not happened yet. */
  get condensationRequested(): boolean {
    return this.isCondensationRequested;
  }

  /** Valid actions without an observation, a rejection or an error, in call order. */
  pendingActions(): ActionEvent[] {
    return [...this.openActions.values()];
  }

  /** Tool calls of an ACP agent that have not ended. */
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
