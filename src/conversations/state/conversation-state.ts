import type { AgentSpec } from '../../agent/agent-spec.js';
import {
  applyStatsSummary,
  registerUsage,
  type ConversationStats,
  type StatsSummary,
} from '../../agent/conversation-stats.js';
import { pathRulesIn, skillsOf } from '../../agent/skills/index.js';
import { isBranchEvent, type BranchEvent } from '../../agent/agent-view.js';
import {
  EXECUTION_STATUSES,
  plainText,
  utcFromLocal,
  type DurableEvent,
  type ExecutionStatus,
} from '../../events/index.js';
import type { ClientToolSpec } from '../../tools/client/client-tool.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import type { MessageKey } from '../conversation/message-keys.js';

/** How a goal stands; the value of `goal` events. */
export interface GoalState {
  active: boolean;
  status: 'running' | 'complete' | 'capped' | 'interrupted';
  /** Audits that were made. */
  iteration: number;
  max_iterations: number;
  objective: string;
  verdict: GoalVerdict | null;
}

/** What an audit found. */
export interface GoalVerdict {
  /** 0 to 1. */
  score: number;
  complete: boolean;
  /** What is still to be done; empty: nothing. */
  missing: string;
}

/** A worktree of a git repository. */
export interface WorktreeRecord {
  /** Absolute path of the repository that it belongs to. */
  repository: string;
  /** Absolute path of the worktree. */
  path: string;
  branch: string;
}

/**
 * Everything a conversation is besides its log: what was asked for at its creation and where it stands now.
 */
export interface ConversationState {
  /** Dashed UUID. */
  id: string;
  agent: AgentSpec;
  workspace: { working_dir: string; kind: string };
  max_iterations: number;
  stuck_detection: boolean;
  /** US dollars that the models of the conversation may cost; absent: there is no limit. */
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
  /** The head of the tree; null before the first event of a branch. */
  leaf_event_id: string | null;
  /** Somebody went back to before the first event: the next one starts a new root. */
  head_is_empty: boolean;
  stats: ConversationStats;
  /** Secret sources by name, values in clear. */
  secrets: Record<string, JsonObject>;
  agent_state: JsonObject;
  hook_config: JsonObject | null;
  title: string | null;
  /** UTC with `Z`. */
  created_at: string;
  updated_at: string;
  parent_conversation_id: string | null;
  forked_from_conversation_id: string | null;
  /** Where the branch was cut off that a fork took; null when it took everything. */
  forked_from_event_id: string | null;
  /** The goal that was worked for last. */
  goal: GoalState | null;
  /**
   * The git worktree that was made for this conversation or one before it; goes with the last that works in
   * it.
   */
  worktree: WorktreeRecord | null;
  tags: Record<string, string>;
  client_tools: ClientToolSpec[];
  tool_module_qualnames: Record<string, string>;
  autotitle: boolean;
  /** The stored profile that its agent comes from, as clients are told of it. */
  launched_agent_profile: JsonObject | null;
  /** Messages that came with an `Idempotency-Key`; absent until there is one. */
  message_keys?: MessageKey[];
  /** The rest of the create request, as it came. */
  rest: JsonObject;
}

/** What people change of a conversation; absent: stays. */
export interface ConversationChange {
  title?: string;
  tags?: ConversationState['tags'];
  /** Null: it may cost whatever it costs. */
  max_budget_per_run?: number | null;
}

/**
 * Marks a change. The moment never goes back: an event may have been made before another change, or in the
 * hour that a clock which is set back has twice.
 */
export function touch(state: { updated_at: string }, moment: string): void {
  if (moment > state.updated_at) state.updated_at = moment;
}

/**
 * Folds one event of the log into the state. Log first, state second: the state can be made again from the
 * log.
 */
export function foldEvent(state: ConversationState, event: DurableEvent): void {
  touch(state, utcFromLocal(event.timestamp));
  if (isBranchEvent(event)) {
    // The agent is ready with its prompt: from here on its statistics are shown, all zero at first.
    if (event.kind === 'SystemPromptEvent') registerUsage(state.stats, state.agent.llm);
    foldKnowledge(state, event);
    state.leaf_event_id = event.id;
    state.head_is_empty = false;
    return;
  }
  foldUpdate(state, event.key, event.value);
}

/** What the agent has been told, so that it is told once. */
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
      // `agent` and policies among others: events show secrets masked, so the metadata is written before they
      // are sent.
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
