import { modelInfo } from '../../acp/index.js';
import type { SecretCodec } from '../../crypto/index.js';
import { createEvent, withoutNulls, type ConversationStateUpdateEvent } from '../../events/index.js';
import { withClientTools, type ClientToolSpec } from '../../tools/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../json/index.js';
import type { ConversationState } from './conversation-state.js';

/** How clients resume a conversation: they need not, because this process runs it. */
const RUNTIME_INFO = { runtime_status: 'available', can_resume: true, runtime_error: null };

/** What a `ConversationInfo` includes. */
export interface InfoOptions {
  includeSkills: boolean;
  runtimeInfo: boolean;
  /** Ids of child conversations. */
  children?: string[];
}

/** The folder of a conversation as clients see it. */
export function persistenceDir(shownRoot: string, id: string): string {
  return `${shownRoot}/${id.replaceAll('-', '')}`;
}

/** The `ConversationInfo` of the wire: all keys, in this order, secrets as null. */
export function conversationInfo(
  state: ConversationState,
  shownRoot: string,
  codec: SecretCodec,
  options: InfoOptions,
): JsonObject {
  const { agent, security_analyzer, hook_config, ...hidden } = codec.hide(withSecrets(state));
  return {
    id: state.id,
    workspace: state.workspace,
    persistence_dir: persistenceDir(shownRoot, state.id),
    max_iterations: state.max_iterations,
    stuck_detection: state.stuck_detection,
    execution_status: state.execution_status,
    confirmation_policy: state.confirmation_policy,
    security_analyzer,
    activated_knowledge_skills: state.activated_knowledge_skills,
    invoked_skills: state.invoked_skills,
    blocked_actions: state.blocked_actions,
    blocked_messages: state.blocked_messages,
    last_user_message_id: state.last_user_message_id,
    leaf_event_id: state.leaf_event_id,
    stats: state.stats,
    secret_registry: { secret_sources: hidden['secrets'] },
    agent_state: state.agent_state,
    hook_config,
    title: state.title,
    metrics: null,
    created_at: state.created_at,
    updated_at: state.updated_at,
    forked_from_conversation_id: state.forked_from_conversation_id,
    forked_from_event_id: state.forked_from_event_id,
    parent_conversation_id: state.parent_conversation_id,
    sub_conversation_ids: options.children ?? [],
    tags: state.tags,
    ...modelInfo(state.agent_state),
    launched_agent_profile: state.launched_agent_profile,
    agent: withClientTools(shownAgent(asJsonObject(agent), options.includeSkills), state.client_tools),
    client_tools: state.client_tools,
    tool_module_qualnames: state.tool_module_qualnames,
    runtime_info: options.runtimeInfo ? RUNTIME_INFO : null,
    // Not a field of the original: left out where there is no budget.
    ...(state.max_budget_per_run !== undefined && { max_budget_per_run: state.max_budget_per_run }),
  };
}

/** Replaces the secrets in a part of a state. */
export type SecretMask = Pick<SecretCodec, 'mask'>;

/** The whole state in the order of the wire, secrets masked. */
export function fullState(state: ConversationState, shownRoot: string, codec: SecretMask): JsonObject {
  const masked = maskedState(state, shownRoot, codec);
  return { ...masked, agent: withClientTools(masked.agent, state.client_tools) };
}

/** The whole state without the client tools of its agent. */
function maskedState(state: ConversationState, shownRoot: string, codec: SecretMask) {
  const { agent, security_analyzer, hook_config, ...masked } = codec.mask(withSecrets(state));
  return {
    id: state.id,
    agent: asJsonObject(agent),
    workspace: state.workspace,
    persistence_dir: persistenceDir(shownRoot, state.id),
    max_iterations: state.max_iterations,
    stuck_detection: state.stuck_detection,
    execution_status: state.execution_status,
    confirmation_policy: state.confirmation_policy,
    security_analyzer,
    activated_knowledge_skills: state.activated_knowledge_skills,
    activated_path_rules: state.activated_path_rules,
    invoked_skills: state.invoked_skills,
    blocked_actions: state.blocked_actions,
    blocked_messages: state.blocked_messages,
    last_user_message_id: state.last_user_message_id,
    leaf_event_id: state.leaf_event_id,
    head_is_empty: state.head_is_empty,
    stats: state.stats,
    secret_registry: { secret_sources: masked['secrets'] },
    tags: state.tags,
    agent_state: state.agent_state,
    hook_config,
  };
}

/** A snapshot of the state for sockets, nulls left out; never stored. */
export function fullStateEvent(
  state: ConversationState,
  shownRoot: string,
  codec: SecretCodec,
): ConversationStateUpdateEvent {
  const masked = maskedState(state, shownRoot, codec);
  return createEvent({
    source: 'environment',
    key: 'full_state',
    value: { ...withoutNulls(masked), agent: agentInEvents(masked.agent, state.client_tools) },
    kind: 'ConversationStateUpdateEvent',
  });
}

/**
 * An agent as events show it: nulls left out, client tools among its tools. @param masked with masked secrets
 */
export function agentInEvents(masked: JsonObject, clientTools: readonly ClientToolSpec[]): JsonObject {
  return withClientTools(withoutNulls(masked), clientTools);
}

/** The fields of a state that hold secrets. */
function withSecrets({ agent, secrets, security_analyzer, hook_config }: ConversationState) {
  return { agent, secrets, security_analyzer, hook_config };
}

function shownAgent(agent: JsonObject, includeSkills: boolean): JsonObject {
  const { agent_context: context } = agent;
  if (includeSkills || !isJsonObject(context)) return agent;
  return { ...agent, agent_context: { ...context, skills: [] } };
}
