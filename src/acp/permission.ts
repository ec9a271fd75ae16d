import type { PermissionOption, RequestPermissionResponse } from '@agentclientprotocol/sdk';
import type { AgentSession } from '../agent/agent-session.js';
import { analyse } from '../agent/security/analysis.js';
import { needsConfirmation } from '../agent/security/confirmation.js';
import type { ACPToolCallEvent, ActionEvent, EventDraft, SecurityRisk } from '../events/index.js';
import { asJsonObject } from '../json/index.js';
import type { Answer } from './turn.js';

/** Kinds of tools that change nothing. */
const LOOKING = new Set(['read', 'search']);

/**
 * Whether a person has to agree to a tool call, by the policy of the conversation, and what its analyzer says
 * to it. Without an analyzer the kind of the tool tells: what only looks is of low risk, of all else nothing
 * is known.
 */
export async function judge(
  { confirmationPolicy: policy, securityAnalyzer: analyzer }: AgentSession,
  call: ACPToolCallEvent,
): Promise<{ mustAsk: boolean; events: EventDraft[] }> {
  const action = asAction(call);
  if (policy.kind === 'NeverConfirm') return { mustAsk: false, events: [] };
  if (!analyzer) {
    return { mustAsk: needsConfirmation(policy, [action], () => action.security_risk), events: [] };
  }
  const { event, riskOf } = await analyse(analyzer, policy, [action]);
  return { mustAsk: needsConfirmation(policy, [action], riskOf), events: [event] };
}

/** The call as analyzers read it. */
function asAction(call: ACPToolCallEvent): ActionEvent {
  const { id, timestamp, tool_call_id, title, tool_kind = 'other', raw_input, content } = call;
  const risk: SecurityRisk = LOOKING.has(tool_kind) ? 'LOW' : 'UNKNOWN';
  return {
    ...{ id, timestamp, source: 'agent', thought: [], thinking_blocks: [] },
    action: { title, input: raw_input, content, ...asJsonObject(raw_input), kind: 'ACPToolCall' },
    tool_name: tool_kind,
    tool_call_id,
    tool_call: { id: tool_call_id, name: tool_kind, arguments: '{}', origin: 'completion' },
    llm_response_id: id,
    security_risk: risk,
    kind: 'ActionEvent',
  };
}

/** The answer in the words of the agent: one of the options that it gave, rather for once than for ever. */
export function toOutcome(answer: Answer, options: readonly PermissionOption[]): RequestPermissionResponse {
  const wanted = answer === 'allow' ? ['allow_once', 'allow_always'] : ['reject_once', 'reject_always'];
  const option = wanted
    .map((kind) => options.find((candidate) => candidate.kind === kind))
    .find((candidate) => candidate !== undefined);
  // Nothing that says so: an agent that is not answered does not do it.
  if (answer === undefined || !option) return { outcome: { outcome: 'cancelled' } };
  return { outcome: { outcome: 'selected', optionId: option.optionId } };
}
