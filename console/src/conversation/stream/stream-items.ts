import { listAt, recordAt, textAt, type WireEvent } from './wire-event.js';
import { isResult } from './pending-actions.js';

/** What the stream shows as one piece. */
export type StreamItem = EventItem | CallItem;

/** An event that stands alone. */
export interface EventItem {
  readonly type: 'event';
  readonly id: string;
  readonly event: WireEvent;
  readonly isOffBranch: boolean;
}

/** A tool call with its result. */
export interface CallItem {
  readonly type: 'call';
  /** The id of the action, or of its result where the action is not loaded. */
  readonly id: string;
  readonly action: WireEvent | undefined;
  readonly result: WireEvent | undefined;
  /** Whether the run has waited for a person before the call. */
  readonly wasAsked: boolean;
  /** When the call began to be executed: a timestamp of the server. */
  readonly startedAt: string;
  /** What a security analyzer has found; empty if it said nothing. */
  readonly risk: string;
  readonly isOffBranch: boolean;
}

/**
 * Joins tool calls with their results, in the order of the calls. Every event is in exactly one item, apart
 * from findings of a security analyzer, which belong to the calls as well.
 * @param leaf the last event of the active branch; null if it is not known
 */
export function toItems(events: readonly WireEvent[], leaf: string | null): StreamItem[] {
  return new Joiner(events, leaf).items();
}

/** Whether two items are shown in the same way: then the older one can stay in its place. */
export function isSameItem(a: StreamItem, b: StreamItem): boolean {
  if (a.type === 'event' || b.type === 'event')
    return a.type === 'event' && b.type === 'event' && a.event === b.event && a.isOffBranch === b.isOffBranch;
  return (
    a.action === b.action &&
    a.result === b.result &&
    a.wasAsked === b.wasAsked &&
    a.startedAt === b.startedAt &&
    a.risk === b.risk &&
    a.isOffBranch === b.isOffBranch
  );
}

type Draft = EventItem | { -readonly [Field in keyof CallItem]: CallItem[Field] };
type CallDraft = Exclude<Draft, EventItem>;

class Joiner {
  private readonly list: Draft[] = [];
  private readonly byAction = new Map<string, CallDraft>();
  private readonly byCall = new Map<string, CallDraft>();
  /** Calls without a result. */
  private readonly open = new Set<CallDraft>();
  private readonly offBranch: ReadonlySet<string>;

  constructor(
    private readonly events: readonly WireEvent[],
    leaf: string | null,
  ) {
    this.offBranch = eventsOffBranch(events, leaf);
  }

  items(): StreamItem[] {
    for (const event of this.events) this.add(event);
    return this.list;
  }

  private add(event: WireEvent): void {
    if (event.kind === 'ActionEvent') this.begin(event);
    else if (event.kind === 'ACPToolCallEvent') this.addExternal(event);
    else if (isResult(event)) this.end(event);
    else {
      if (event.kind === 'ConversationStateUpdateEvent') this.followStatus(event);
      if (event.kind === 'SecurityAnalysisEvent') this.addRisks(event);
      const isOffBranch = this.offBranch.has(event.id);
      this.list.push({ type: 'event', id: event.id, event, isOffBranch });
    }
  }

  private begin(action: WireEvent): CallDraft {
    const item = this.push(action, undefined);
    const risk = textAt(action, 'security_risk');
    item.risk = risk === 'UNKNOWN' ? '' : risk;
    this.byAction.set(action.id, item);
    const call = textAt(action, 'tool_call_id');
    if (call !== '') this.byCall.set(call, item);
    this.open.add(item);
    return item;
  }

  /** External agents write an event when a call begins, and the same call again when it ends. */
  private addExternal(event: WireEvent): void {
    const item = this.byCall.get(textAt(event, 'tool_call_id'));
    if (item === undefined || !this.open.has(item)) this.begin(event);
    else this.settle(item, event);
  }

  private end(result: WireEvent): void {
    const byAction = this.byAction.get(textAt(result, 'action_id'));
    const item = byAction ?? this.byCall.get(textAt(result, 'tool_call_id'));
    if (item === undefined || !this.open.has(item)) this.push(undefined, result);
    else this.settle(item, result);
  }

  private settle(item: CallDraft, result: WireEvent): void {
    item.result = result;
    this.open.delete(item);
  }

  private push(action: WireEvent | undefined, result: WireEvent | undefined): CallDraft {
    const event = action ?? result;
    const item: CallDraft = {
      type: 'call',
      id: event?.id ?? '',
      action,
      result,
      wasAsked: false,
      startedAt: event?.timestamp ?? '',
      risk: '',
      isOffBranch: this.offBranch.has(event?.id ?? ''),
    };
    this.list.push(item);
    return item;
  }

  /** Calls that wait for a person begin when the run goes on. */
  private followStatus(update: WireEvent): void {
    if (update['key'] !== 'execution_status') return;
    for (const item of this.open) {
      if (update['value'] === 'waiting_for_confirmation') item.wasAsked = true;
      if (update['value'] === 'running' && item.wasAsked) item.startedAt = update.timestamp;
    }
  }

  private addRisks(analysis: WireEvent): void {
    for (const [id, risk] of Object.entries(recordAt(analysis, 'risks') ?? {})) {
      const item = this.byAction.get(id);
      if (item !== undefined && typeof risk === 'string' && risk !== 'UNKNOWN') item.risk = risk;
    }
  }
}

/**
 * The loaded events that are not between the root and the leaf. Before the oldest loaded ancestor nothing is
 * known: those events count as on the branch, as in a log without branches.
 */
function eventsOffBranch(events: readonly WireEvent[], leaf: string | null): ReadonlySet<string> {
  const off = new Set<string>();
  const at = new Map(events.map((event, index) => [event.id, index]));
  let expected = leaf === null ? undefined : at.get(leaf);
  // Newer events are not loaded, or the leaf is not known: the last loaded one is taken for it.
  expected ??= events.findLastIndex(isOnTree);
  for (let index = events.length - 1; index >= 0 && expected >= 0; index -= 1) {
    const event = events[index];
    if (event === undefined || !isOnTree(event)) continue;
    if (index !== expected) {
      off.add(event.id);
      continue;
    }
    const parent = textAt(event, 'parent_id');
    if (parent === '__root__') {
      for (const earlier of events.slice(0, index)) if (isOnTree(earlier)) off.add(earlier.id);
      break;
    }
    expected = at.get(parent) ?? (parent === '' ? previousOnTree(events, index) : -1);
  }
  return off;
}

function previousOnTree(events: readonly WireEvent[], before: number): number {
  for (let index = before - 1; index >= 0; index -= 1) {
    const event = events[index];
    if (event !== undefined && isOnTree(event)) return index;
  }
  return -1;
}

function isOnTree({ kind }: WireEvent): boolean {
  return kind !== 'ConversationStateUpdateEvent';
}

/** What the stream can be limited to. */
export type Filter = 'all' | 'messages' | 'calls' | 'errors' | 'raw';

/** Changes of the state that a person need not see: others say the same, or they come with each step. */
const QUIET_KEYS = new Set(['stats', 'last_user_message_id', 'agent_state', 'full_state']);
const QUIET_STATUSES = new Set(['running', 'idle', 'waiting_for_confirmation', 'error', 'deleting']);
const ERRORS = new Set([
  'AgentErrorEvent',
  'ConversationErrorEvent',
  'ServerErrorEvent',
  'UserRejectObservation',
]);

/** Whether a filter shows an item. */
export function passes(item: StreamItem, filter: Filter): boolean {
  switch (filter) {
    case 'messages':
      return isMessage(item);
    case 'calls':
      return item.type === 'call';
    case 'errors':
      return isError(item);
    default:
      return filter === 'raw' || !isQuiet(item);
  }
}

/** Whether an item is hidden unless everything is shown. */
function isQuiet(item: StreamItem): boolean {
  if (item.type === 'call') return false;
  const { kind } = item.event;
  if (kind === 'SecurityAnalysisEvent' || kind === 'LLMCompletionLogEvent') return true;
  if (kind !== 'ConversationStateUpdateEvent') return false;
  const key = textAt(item.event, 'key');
  return (
    QUIET_KEYS.has(key) || (key === 'execution_status' && QUIET_STATUSES.has(textAt(item.event, 'value')))
  );
}

function isMessage(item: StreamItem): boolean {
  if (item.type === 'event') return item.event.kind === 'MessageEvent';
  return textAt(item.action, 'tool_name') === 'finish';
}

function isError(item: StreamItem): boolean {
  if (item.type === 'event') {
    const { kind, key, value } = item.event;
    return ERRORS.has(kind) || (key === 'execution_status' && (value === 'error' || value === 'stuck'));
  }
  return item.result !== undefined && isFailed(item.result);
}

/** Whether the result of a call is a failure or a refusal. */
export function isFailed(result: WireEvent): boolean {
  if (ERRORS.has(result.kind)) return true;
  const observation = recordAt(result, 'observation');
  const exitCode = observation?.['exit_code'];
  return (
    observation?.['is_error'] === true ||
    result['is_error'] === true ||
    result['status'] === 'failed' ||
    (typeof exitCode === 'number' && exitCode > 0)
  );
}

/** The text of the content of an observation, in blocks. */
export function observationContent(result: WireEvent | undefined): readonly unknown[] {
  return listAt(recordAt(result, 'observation'), 'content');
}
