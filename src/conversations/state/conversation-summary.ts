import type { RunActivity } from '../../agent/index.js';
import { modelInfo } from '../../acp/index.js';
import type { ExecutionStatus } from '../../events/index.js';
import { firstCharacters } from '../../text/index.js';
import { noAttention, waitingOf, type Waiting, type WaitsFor } from './attention.js';
import type { ConversationState } from './conversation-state.js';
import { oneLine } from './one-line.js';

/** What a list of conversations shows of one of them. Names are the API's. */
export interface ConversationSummary {
  id: string;
  title: string | null;
  execution_status: ExecutionStatus;
  waits_for: WaitsFor | null;
  waits_since: string | null;
  reason: string | null;
  reason_is_whole: boolean;
  activity: RunActivity | null;
  tags: Record<string, string>;
  model: string;
  agent_kind: string;
  working_dir: string;
  created_at: string;
  updated_at: string;
  parent_conversation_id: string | null;
  cost: number;
  prompt_tokens: number;
  completion_tokens: number;
  max_budget_per_run: number | null;
}

/** What the state does not say by itself. */
export interface SummaryExtras {
  /** What the active run does; null without one. */
  activity: RunActivity | null;
  /** The actions that wait for a confirmation, masked. */
  confirmation?: { text: string; isWhole: boolean };
}

/** Longest title (characters): a list of 10,000 must stay small. */
const MAX_TITLE = 200;

/** The summary of a conversation with this state. */
export function conversationSummary(
  state: ConversationState,
  { activity, confirmation }: SummaryExtras,
): ConversationSummary {
  // A run that is being prepared still has the status of the one before it.
  const waiting = activity === null ? waitingFor(state, confirmation) : undefined;
  return {
    id: state.id,
    title: state.title === null ? null : firstCharacters(state.title, MAX_TITLE),
    execution_status: state.execution_status,
    waits_for: waiting?.for ?? null,
    waits_since: waiting?.since ?? null,
    reason: waiting?.reason ?? null,
    reason_is_whole: waiting?.isWhole ?? true,
    activity: activity && { ...activity, tool: activity.tool === null ? null : oneLine(activity.tool) },
    tags: state.tags,
    model: modelOf(state),
    agent_kind: state.agent.kind,
    working_dir: state.workspace.working_dir,
    created_at: state.created_at,
    updated_at: state.updated_at,
    parent_conversation_id: state.parent_conversation_id,
    ...usageOf(state),
    max_budget_per_run: state.max_budget_per_run ?? null,
  };
}

function waitingFor(
  { execution_status: status, attention, updated_at }: ConversationState,
  confirmation: SummaryExtras['confirmation'],
): (Waiting & { isWhole: boolean }) | undefined {
  if (status === 'waiting_for_confirmation') {
    const { text: reason = null, isWhole = false } = confirmation ?? {};
    return { for: 'confirmation', since: attention?.since ?? updated_at, reason, isWhole };
  }
  const waiting = waitingOf(status, attention ?? noAttention(updated_at));
  return waiting && { ...waiting, isWhole: waiting.reason?.endsWith('…') !== true };
}

/** The model that answers next. An ACP agent says which one it uses. */
function modelOf({ agent, agent_state }: ConversationState): string {
  if (agent.kind !== 'ACPAgent') return agent.llm.model;
  const { current_model_id: current } = modelInfo(agent_state);
  return typeof current === 'string' ? current : (agent.acp_model ?? agent.acp_server ?? agent.llm.model);
}

function usageOf({ stats }: ConversationState) {
  const sum = { cost: 0, prompt_tokens: 0, completion_tokens: 0 };
  for (const { accumulated_cost, accumulated_token_usage: usage } of Object.values(stats.usage_to_metrics)) {
    sum.cost += accumulated_cost;
    sum.prompt_tokens += usage.prompt_tokens;
    sum.completion_tokens += usage.completion_tokens;
  }
  return sum;
}
