import type { PermissionOption, RequestPermissionResponse } from '@agentclientprotocol/sdk';
import { type AgentSession, analyseActions, needsConfirmation } from '../../agent/index.js';
import type { ACPToolCallEvent, ActionEvent, EventDraft, SecurityRisk } from '../../events/index.js';
import { asJsonObject } from '../../json/index.js';
import type { PermissionDecision } from './turn.js';

/** Kinds of tools without side effects. */
const READ_ONLY_KINDS = new Set(['read', 'search']);

/**
 * Decides whether a person has to approve a tool call, and returns the analyzer's events. Without an analyzer
 * read-only tools have low risk and all others unknown risk.
 */
export async function checkPermission(
  { confirmationPolicy: policy, securityAnalyzer: analyzer }: AgentSession,
  call: ACPToolCallEvent,
): Promise<{ needsApproval: boolean; events: EventDraft[] }> {
  const action = asAction(call);
  if (policy.kind === 'NeverConfirm') return { needsApproval: false, events: [] };
  if (!analyzer) {
    return { needsApproval: needsConfirmation(policy, [action], () => action.security_risk), events: [] };
  }
  const { event, riskOf } = await analyseActions(analyzer, policy, [action]);
  return { needsApproval: needsConfirmation(policy, [action], riskOf), events: [event] };
}

/** Converts the call to an action for analyzers. */
function asAction(call: ACPToolCallEvent): ActionEvent {
  const { id, timestamp, tool_call_id, title, tool_kind = 'other', raw_input, content } = call;
  const risk: SecurityRisk = READ_ONLY_KINDS.has(tool_kind) ? 'LOW' : 'UNKNOWN';
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

/** Selects one of the agent's options, preferring a one-time decision. */
export function toOutcome(
  answer: PermissionDecision,
  options: readonly PermissionOption[],
): RequestPermissionResponse {
  const wanted = answer === 'allow' ? ['allow_once', 'allow_always'] : ['reject_once', 'reject_always'];
  const option = wanted
    .map((kind) => options.find((candidate) => candidate.kind === kind))
    .find((candidate) => candidate !== undefined);
  // No matching option: a cancelled request is not executed.
  if (answer === undefined || !option) return { outcome: { outcome: 'cancelled' } };
  return { outcome: { outcome: 'selected', optionId: option.optionId } };
}
