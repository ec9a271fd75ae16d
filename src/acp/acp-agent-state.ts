import type { AgentView } from '../agent/agent-view.js';
import type { EventDraft, MessageEvent } from '../events/index.js';
import type { JsonObject } from '../json/index.js';
import type { AcpConnection } from './connection/acp-connection.js';

/**
 * What a conversation with an agent from elsewhere keeps of it, among its `agent_state`; names are the
 * wire's.
 */
const INFLIGHT = 'acp_inflight_prompt_user_message_id';
const LAST = 'acp_last_prompt_user_message_id';
const SUFFIX = 'acp_suffix_installed';

/** The event of another `agent_state`. */
export function agentStateUpdate(value: JsonObject): EventDraft {
  return { source: 'environment', key: 'agent_state', value, kind: 'ConversationStateUpdateEvent' };
}

/** The session that the agent may go on with; one in another folder is another work. */
export function knownSession(state: JsonObject, cwd: string): string | undefined {
  const { acp_session_id: id, acp_session_cwd: folder } = state;
  return typeof id === 'string' && folder === cwd ? id : undefined;
}

/** The state once an agent has started. In a new session nothing has been said. */
export function withSession(state: JsonObject, connection: AcpConnection, cwd: string): JsonObject {
  const { [SUFFIX]: told, ...others } = state;
  const goesOn = state['acp_session_id'] === connection.id;
  return {
    ...withModels(others, connection),
    acp_agent_name: connection.agentName,
    acp_agent_version: connection.agentVersion,
    acp_session_id: connection.id,
    acp_session_cwd: cwd,
    ...(goesOn && told !== undefined && { [SUFFIX]: told }),
  };
}

/** The state with the models as they are now. */
export function withModels(state: JsonObject, { sessionModels: models }: AcpConnection): JsonObject {
  return {
    ...state,
    acp_supports_runtime_model_switch: models !== undefined,
    acp_model_via_config_option: models?.optionId !== undefined,
    acp_current_model_id: models?.current ?? null,
    acp_available_models: models?.available ?? [],
  };
}

/** The agent is being told a message, and with it what is true of the conversation. */
export function withPrompt(state: JsonObject, messageId: string, suffix: boolean): JsonObject {
  return { ...state, [INFLIGHT]: messageId, ...(suffix && { [SUFFIX]: true }) };
}

/** It has answered it. */
export function withAnswer(state: JsonObject, messageId: string): JsonObject {
  const { [INFLIGHT]: _answered, ...others } = state;
  return { ...others, [LAST]: messageId };
}

/** Whether the agent knows what the server tells it of the conversation. */
export function hasSuffix(state: JsonObject): boolean {
  return state[SUFFIX] === true;
}

/**
 * The messages that the agent has to answer: those behind the last that it has answered. What it was told
 * when it was interrupted is told again only if nobody has said anything since.
 */
export function unanswered(view: AgentView, state: JsonObject, blocked: object): MessageEvent[] {
  const all = view.events.filter(
    (event): event is MessageEvent =>
      event.kind === 'MessageEvent' && event.llm_message.role === 'user' && !(event.id in blocked),
  );
  const after = (id: unknown): MessageEvent[] => {
    const at = all.findIndex((message) => message.id === id);
    // Another branch of the conversation, where it has answered nothing.
    return at === -1 ? all : all.slice(at + 1);
  };
  const open = after(state[LAST]);
  const interrupted = open.findIndex(({ id }) => id === state[INFLIGHT]);
  const newer = open.slice(interrupted + 1);
  return newer.length > 0 ? newer : open.slice(Math.max(0, interrupted));
}

/** What clients are told of the models of an agent from elsewhere. */
export function shownModels(state: JsonObject): {
  current_model_id: unknown;
  available_models: unknown;
  supports_runtime_model_switch: boolean;
} {
  return {
    current_model_id: state['acp_current_model_id'] ?? null,
    available_models: state['acp_available_models'] ?? [],
    supports_runtime_model_switch: state['acp_supports_runtime_model_switch'] === true,
  };
}
