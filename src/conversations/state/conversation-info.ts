import { shownModels } from '../../acp/index.js';
import { createEvent, withoutNulls, type ConversationStateUpdateEvent } from '../../events/index.js';
import { withClientTools, type ClientToolSpec } from '../../tools/client/client-tool.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../json/index.js';
import type { ConversationState } from './conversation-state.js';

/** How secrets are shown: masked (`**********`) or hidden (null). */
export interface SecretsShown {
  mask(value: JsonObject): JsonObject;
  hide(value: JsonObject): JsonObject;
}

/** What a client has to do to go on with a conversation: nothing, the server runs it itself. */
const RUNTIME_INFO = { runtime_status: 'available', can_resume: true, runtime_error: null };

/** What of a conversation is shown. */
export interface InfoOptions {
  includeSkills: boolean;
  runtimeInfo: boolean;
  /** Ids of the conversations that were made for it. */
  children?: string[];
}

/** Where a conversation's files are, as clients are told. */
export function persistenceDir(shownRoot: string, id: string): string {
  return `${shownRoot}/${id.replaceAll('-', '')}`;
}

/** The `ConversationInfo` of the wire: every key always there, in this order, secrets null. */
export function conversationInfo(
  state: ConversationState,
  shownRoot: string,
  secrets: SecretsShown,
  options: InfoOptions,
): JsonObject {
  const { agent, security_analyzer, hook_config, ...hidden } = secrets.hide(withSecrets(state));
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
    ...shownModels(state.agent_state),
    launched_agent_profile: state.launched_agent_profile,
    agent: withClientTools(shownAgent(asJsonObject(agent), options.includeSkills), state.client_tools),
    client_tools: state.client_tools,
    tool_module_qualnames: state.tool_module_qualnames,
    runtime_info: options.runtimeInfo ? RUNTIME_INFO : null,
    // Not a field of the original: shown only where there is one.
    ...(state.max_budget_per_run !== undefined && { max_budget_per_run: state.max_budget_per_run }),
  };
}

/** The whole state as a client may see it, in the order of the wire, secrets masked. */
export function fullState(state: ConversationState, shownRoot: string, secrets: SecretsShown): JsonObject {
  const masked = maskedState(state, shownRoot, secrets);
  return { ...masked, agent: withClientTools(masked.agent, state.client_tools) };
}

/** The whole state without the client tools of its agent. */
function maskedState(state: ConversationState, shownRoot: string, secrets: SecretsShown) {
  const { agent, security_analyzer, hook_config, ...masked } = secrets.mask(withSecrets(state));
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

/** A snapshot of the state as sockets get it, nulls left out; never persisted. */
export function fullStateEvent(
  state: ConversationState,
  shownRoot: string,
  secrets: SecretsShown,
): ConversationStateUpdateEvent {
  const masked = maskedState(state, shownRoot, secrets);
  return createEvent({
    source: 'environment',
    key: 'full_state',
    value: { ...withoutNulls(masked), agent: agentInEvents(masked.agent, state.client_tools) },
    kind: 'ConversationStateUpdateEvent',
  });
}

/**
 * An agent as events show it: nulls left out, client tools among its tools. @param masked has its secrets
 * masked
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
