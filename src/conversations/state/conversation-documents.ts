import { withoutNulls } from '../../events/index.js';
import { asJsonObject } from '../../json/index.js';
import type { JsonObject } from '../../json/index.js';
import type { ConversationState } from './conversation-state.js';
import { requiredBindings } from '../secrets/bound-credentials.js';
import { fullState, persistenceDir, type SecretMask } from './conversation-info.js';

/**
 * A conversation without its events in the layout that the original server (`openhands-agent-server` 1.58.2)
 * keeps on disk, for programs that read it.
 */
export interface ConversationDocuments {
  /** `base_state.json`: the agent and the state; null fields are left out. */
  baseState: JsonObject & { persistence_dir: string };
  /** `meta.json`: the create request and what lists show. */
  meta: JsonObject;
  /** UTC with `Z`. */
  updatedAt: string;
}

/** @param codec what takes the place of secrets */
export function conversationDocuments(
  state: ConversationState,
  shownRoot: string,
  codec: SecretMask,
): ConversationDocuments {
  const { base_state, meta, agent, llm } = asJsonObject(state.rest['unknown_fields']);
  const full = fullState(state, shownRoot, codec);
  const fullAgent = asJsonObject(full['agent']);
  const withUnknown = {
    ...full,
    agent: {
      ...fullAgent,
      llm: { ...asJsonObject(fullAgent['llm']), ...asJsonObject(llm) },
      ...asJsonObject(agent),
    },
    ...asJsonObject(base_state),
  };
  return {
    baseState: {
      ...asJsonObject(withoutNulls(withUnknown)),
      persistence_dir: persistenceDir(shownRoot, state.id),
    },
    meta: { ...metaDocument(state, codec), ...asJsonObject(meta) },
    updatedAt: state.updated_at,
  };
}

/** All keys of the original in its order. `initial_message` is null: it is an event of the log. */
function metaDocument(state: ConversationState, codec: SecretMask): JsonObject {
  const { security_analyzer, hook_config, client_tools } = state;
  const masked = codec.mask({ secrets: state.secrets, security_analyzer, hook_config, rest: state.rest });
  const rest = asJsonObject(masked['rest']);
  const { observability_metadata, observability_tags, observability_span_name } = rest;
  return {
    workspace: state.workspace,
    worktree: state.worktree !== null,
    worktree_options: null,
    conversation_id: null,
    parent_conversation_id: state.parent_conversation_id,
    confirmation_policy: state.confirmation_policy,
    security_analyzer: masked['security_analyzer'],
    initial_message: null,
    max_iterations: state.max_iterations,
    stuck_detection: state.stuck_detection,
    secrets: masked['secrets'],
    secrets_encrypted: false,
    tool_module_qualnames: state.tool_module_qualnames,
    client_tools,
    agent_launch_additions: rest['agent_launch_additions'] ?? null,
    agent_definitions: rest['agent_definitions'] ?? [],
    plugins: rest['plugins'] ?? null,
    hook_config: masked['hook_config'],
    tags: state.tags,
    user_id: rest['user_id'] ?? null,
    observability_metadata: observability_metadata ?? {},
    observability_tags: observability_tags ?? [],
    observability_span_name: observability_span_name ?? 'conversation',
    observability_parent_span_context: rest['observability_parent_span_context'] ?? null,
    autotitle: state.autotitle,
    title_llm_profile: rest['title_llm_profile'] ?? null,
    prompt: rest['prompt'] ?? null,
    required_runtime_credential_bindings: requiredBindings(rest),
    id: hex(state.id),
    title: state.title,
    metrics: null,
    created_at: state.created_at,
    updated_at: state.updated_at,
    forked_from_conversation_id: hex(state.forked_from_conversation_id),
    forked_from_event_id: state.forked_from_event_id,
    launched_agent_profile: state.launched_agent_profile,
    // Not fields of the original: left out where they are not set.
    ...(state.max_budget_per_run !== undefined && { max_budget_per_run: state.max_budget_per_run }),
    ...(typeof rest['sandbox'] === 'string' && { sandbox: rest['sandbox'] }),
  };
}

function hex(id: string | null): string | null {
  return id?.replaceAll('-', '') ?? null;
}
