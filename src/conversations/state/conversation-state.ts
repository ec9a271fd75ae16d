import {
  type AgentSpec,
  applyStatsSummary,
  registerUsage,
  type ConversationStats,
  type StatsSummary,
  pathRulesIn,
  skillsOf,
  isBranchEvent,
  type BranchEvent,
} from '../../agent/index.js';
import {
  EXECUTION_STATUSES,
  plainText,
  utcFromLocal,
  type DurableEvent,
  type ExecutionStatus,
} from '../../events/index.js';
import type { ClientToolSpec } from '../../tools/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import { foldAttention, noAttention, type Attention } from './attention.js';

/** The state of a goal; the value of `goal` events. */
export interface GoalState {
  active: boolean;
  /** `queued`: it waits for a free slot. */
  status: 'queued' | 'running' | 'complete' | 'capped' | 'interrupted';
  /** Audits so far. */
  iteration: number;
  max_iterations: number;
  objective: string;
  verdict: GoalVerdict | null;
}

/** The result of an audit. */
export interface GoalVerdict {
  /** 0 to 1. */
  score: number;
  complete: boolean;
  /** What remains to be done; empty if nothing does. */
  missing: string;
}

/** A git worktree. */
export interface WorktreeRecord {
  /** Absolute path of its repository. */
  repository: string;
  /** Absolute path of the worktree. */
  path: string;
  branch: string;
}

/** A message that arrived with an `Idempotency-Key`. */
export interface MessageKey {
  /** Digests of the key and of the message: neither is stored itself. */
  key: string;
  request: string;
  event_id: string;
  /** Whether the requested run has begun. */
  answered: boolean;
}

/** Everything of a conversation but its log: its create request and what events have changed since. */
export interface ConversationState {
  /** Dashed UUID. */
  id: string;
  /** The id of the key that it was created with; null: a session key. */
  owner_key: string | null;
  /** The folder of that key, if its reach is `own`: the workspace is never outside. A real path. */
  workspace_root?: string;
  agent: AgentSpec;
  workspace: { working_dir: string; kind: string };
  /** The host that has the workspace; absent where all servers use the same files, and in older snapshots. */
  workspace_host?: string;
  max_iterations: number;
  stuck_detection: boolean;
  /** What the models of the conversation may cost (US dollars); absent: no limit. */
  max_budget_per_run?: number;
  execution_status: ExecutionStatus;
  confirmation_policy: JsonObject & { kind: string };
  security_analyzer: (JsonObject & { kind: string }) | null;
  activated_knowledge_skills: string[];
  activated_path_rules: string[];
  invoked_skills: string[];
  blocked_actions: Record<string, string>;
  blocked_messages: Record<string, string>;
  last_user_message_id: string | null;
  /** The head of the active branch; null before its first event. */
  leaf_event_id: string | null;
  /** A client navigated to before the first event: the next event is a new root. */
  head_is_empty: boolean;
  stats: ConversationStats;
  /** Secret sources by name, with plain values. */
  secrets: Record<string, JsonObject>;
  agent_state: JsonObject;
  hook_config: JsonObject | null;
  title: string | null;
  /** UTC with `Z`. */
  created_at: string;
  updated_at: string;
  parent_conversation_id: string | null;
  forked_from_conversation_id: string | null;
  /** The last copied event of the source; null if everything was copied. */
  forked_from_event_id: string | null;
  /** Why it may wait for a person; absent in snapshots of older servers. */
  attention?: Attention;
  /** The last goal. */
  goal: GoalState | null;
  /** The git worktree that it works in, possibly with others. Removed with the last of them. */
  worktree: WorktreeRecord | null;
  tags: Record<string, string>;
  client_tools: ClientToolSpec[];
  tool_module_qualnames: Record<string, string>;
  autotitle: boolean;
  /** The stored profile of its agent, as clients see it. */
  launched_agent_profile: JsonObject | null;
  /** Messages with an `Idempotency-Key`; absent until there is one. */
  message_keys?: MessageKey[];
  /** The rest of the create request, as it arrived. */
  rest: JsonObject;
}

/** A change by a client; absent fields stay as they are. */
export interface ConversationChange {
  title?: string;
  tags?: ConversationState['tags'];
  /** Null: no limit. */
  max_budget_per_run?: number | null;
}

/**
 * Sets `updated_at`, but never back: an event may be older than another change, and local time repeats an
 * hour when the clock is set back.
 */
export function touch(state: { updated_at: string }, moment: string): void {
  if (moment > state.updated_at) state.updated_at = moment;
}

/** Folds one event of the log into the state. */
export function foldEvent(state: ConversationState, event: DurableEvent): void {
  const at = utcFromLocal(event.timestamp);
  touch(state, at);
  foldAttention((state.attention ??= noAttention(at)), event, at, state.agent.kind === 'ACPAgent');
  if (isBranchEvent(event)) {
    // From the system prompt on the statistics of the agent are shown, all zero at first.
    if (event.kind === 'SystemPromptEvent') registerUsage(state.stats, state.agent.llm);
    foldKnowledge(state, event);
    state.leaf_event_id = event.id;
    state.head_is_empty = false;
    return;
  }
  foldUpdate(state, event.key, event.value);
}

/** Skills and rules that the agent has got, so that it gets each only once. */
function foldKnowledge(state: ConversationState, event: BranchEvent): void {
  if (event.kind === 'MessageEvent') remember(state.activated_knowledge_skills, event.activated_skills);
  if (event.kind !== 'ObservationEvent') return;
  const { observation, extended_content: extended } = event;
  const { skill_name: invoked } = observation;
  if (observation.kind === 'InvokeSkillObservation' && !observation.is_error && typeof invoked === 'string')
    remember(state.invoked_skills, [invoked]);
  if (extended.length > 0)
    remember(state.activated_path_rules, pathRulesIn(plainText(extended), skillsOf(state.agent)));
}

function remember(known: string[], names: readonly string[]): void {
  for (const name of names) if (!known.includes(name)) known.push(name);
}

function foldUpdate(state: ConversationState, key: string, value: unknown): void {
  switch (key) {
    case 'execution_status':
      if (isStatus(value)) state.execution_status = value;
      return;
    case 'last_user_message_id':
      state.last_user_message_id = typeof value === 'string' ? value : null;
      return;
    case 'stats':
      if (isSummary(value)) applyStatsSummary(state.stats, value);
      return;
    case 'goal':
      if (isGoal(value)) state.goal = value;
      return;
    case 'blocked_actions':
      if (isStringMap(value)) state.blocked_actions = value;
      return;
    case 'blocked_messages':
      if (isStringMap(value)) state.blocked_messages = value;
      return;
    case 'agent_state':
      if (isJsonObject(value)) state.agent_state = value;
      return;
    case 'tags':
      if (isStringMap(value)) state.tags = value;
      return;
    default:
      // `agent`, policies and others: secrets are masked in events, so a snapshot is saved before these
      // events.
      return;
  }
}

function isStatus(value: unknown): value is ExecutionStatus {
  return EXECUTION_STATUSES.some((status) => status === value);
}

function isSummary(value: unknown): value is StatsSummary {
  return typeof value === 'object' && value !== null && 'usage_to_metrics' in value;
}

function isGoal(value: unknown): value is GoalState {
  return typeof value === 'object' && value !== null && 'objective' in value && 'status' in value;
}

function isStringMap(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((entry) => typeof entry === 'string')
  );
}
