import type { AgentView } from '../agent/index.js';
import { stateUpdate, type EventDraft, type MessageEvent } from '../events/index.js';
import type { JsonObject } from '../json/index.js';
import type { AcpConnection } from './connection/acp-connection.js';

/** Keys of ACP data in `agent_state`; the original's names. */
const INFLIGHT_MESSAGE = 'acp_inflight_prompt_user_message_id';
const ANSWERED_MESSAGE = 'acp_last_prompt_user_message_id';
const SUFFIX_SENT = 'acp_suffix_installed';

/** Creates the event for a new `agent_state`. */
export function agentStateUpdate(value: JsonObject): EventDraft {
  return stateUpdate('agent_state', value);
}

/** The session that the agent can resume; undefined if its working directory differs. */
export function resumableSession(state: JsonObject, cwd: string): string | undefined {
  const { acp_session_id: id, acp_session_cwd: folder } = state;
  return typeof id === 'string' && folder === cwd ? id : undefined;
}

/** The state after a start of the agent. A new session has not received the suffix. */
export function withSession(state: JsonObject, connection: AcpConnection, cwd: string): JsonObject {
  const { [SUFFIX_SENT]: told, ...others } = state;
  const isSameSession = state['acp_session_id'] === connection.id;
  return {
    ...withModels(others, connection),
    acp_agent_name: connection.agentName,
    acp_agent_version: connection.agentVersion,
    acp_session_id: connection.id,
    acp_session_cwd: cwd,
    ...(isSameSession && told !== undefined && { [SUFFIX_SENT]: told }),
  };
}

/** The state with the current models. */
export function withModels(state: JsonObject, { sessionModels: models }: AcpConnection): JsonObject {
  return {
    ...state,
    acp_supports_runtime_model_switch: models !== undefined,
    acp_model_via_config_option: models?.optionId !== undefined,
    acp_current_model_id: models?.current ?? null,
    acp_available_models: models?.available ?? [],
  };
}

/** The state while a message is sent to the agent, with or without the suffix. */
export function withPrompt(state: JsonObject, messageId: string, suffixSent: boolean): JsonObject {
  return { ...state, [INFLIGHT_MESSAGE]: messageId, ...(suffixSent && { [SUFFIX_SENT]: true }) };
}

/** The state after the agent answered a message. */
export function withAnswer(state: JsonObject, messageId: string): JsonObject {
  const { [INFLIGHT_MESSAGE]: _answered, ...others } = state;
  return { ...others, [ANSWERED_MESSAGE]: messageId };
}

/** Whether the session has received the conversation's context. */
export function hasSuffix(state: JsonObject): boolean {
  return state[SUFFIX_SENT] === true;
}

/**
 * The messages that the agent still has to answer: those after the last answered one. A message whose turn
 * was interrupted is sent again only if no newer message follows.
 */
export function unansweredMessages(view: AgentView, state: JsonObject, blocked: object): MessageEvent[] {
  const all = view.events.filter(
    (event): event is MessageEvent =>
      event.kind === 'MessageEvent' && event.llm_message.role === 'user' && !(event.id in blocked),
  );
  const after = (id: unknown): MessageEvent[] => {
    const at = all.findIndex((message) => message.id === id);
    // Not on this branch: nothing was answered here.
    return at === -1 ? all : all.slice(at + 1);
  };
  const open = after(state[ANSWERED_MESSAGE]);
  const interrupted = open.findIndex(({ id }) => id === state[INFLIGHT_MESSAGE]);
  const newer = open.slice(interrupted + 1);
  return newer.length > 0 ? newer : open.slice(Math.max(0, interrupted));
}

/** The models of an ACP agent for clients. */
export function modelInfo(state: JsonObject): {
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
