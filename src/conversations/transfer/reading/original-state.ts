import { utcTimestamp } from '../../../events/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../../json/index.js';
import { dashedUuid } from '../../../text/index.js';
import type { ToolRegistry } from '../../../tools/index.js';
import { newConversation } from '../../conversation/new-conversation.js';
import type { ConversationState } from '../../state/conversation-state.js';
import type { RequestedConversation, StartConversationRequest } from '../../state/start-request.js';
import type { ImportNotes } from './notes.js';
import type { SourceConversation } from './source-conversation.js';
import { statsIn, statusIn, textIn, textMapIn, textsIn, utcTime } from './stored-values.js';
import { tolerantRequest, withKnownTools } from './tolerant-request.js';

/** The model of an agent that could not be read. A person selects another one. */
const UNKNOWN_MODEL = 'unknown/unknown';

/** Fields of `meta.json` that are those of a create request. */
const REQUEST_FIELDS = [
  ...['tool_module_qualnames', 'client_tools', 'agent_definitions', 'tags', 'user_id', 'autotitle'],
  ...['observability_metadata', 'observability_tags', 'observability_span_name'],
  ...['observability_parent_span_context', 'title_llm_profile', 'prompt', 'max_budget_per_run', 'sandbox'],
];
/** All fields of the documents that are understood here, or have no meaning here. Others are kept. */
const META_FIELDS = new Set([
  ...REQUEST_FIELDS,
  ...['workspace', 'worktree', 'worktree_options', 'conversation_id', 'parent_conversation_id'],
  ...['confirmation_policy', 'security_analyzer', 'initial_message', 'max_iterations', 'stuck_detection'],
  ...['secrets', 'secrets_encrypted', 'agent_launch_additions', 'plugins', 'hook_config'],
  ...['required_runtime_credential_bindings', 'id', 'title', 'metrics', 'created_at', 'updated_at'],
  ...['forked_from_conversation_id', 'forked_from_event_id', 'launched_agent_profile', 'unknown_fields'],
]);
const BASE_FIELDS = new Set([
  ...['id', 'agent', 'workspace', 'persistence_dir', 'max_iterations', 'stuck_detection', 'execution_status'],
  ...['confirmation_policy', 'security_analyzer', 'activated_knowledge_skills', 'activated_path_rules'],
  ...['invoked_skills', 'blocked_actions', 'blocked_messages', 'last_user_message_id', 'leaf_event_id'],
  ...['head_is_empty', 'stats', 'secret_registry', 'tags', 'agent_state', 'hook_config'],
]);

/** How a conversation is to be changed on its way. */
export interface StateOptions {
  /** Replaces the working directory. */
  mapWorkspace: (workingDir: string) => string;
  /** Says who owns the conversation, and refuses or changes what its owner may not have. */
  admit: (request: RequestedConversation) => Promise<StartConversationRequest>;
}

/**
 * The state that the documents of the original's layout describe. What its log says is folded in later.
 * @throws NotAConversationError if no part of the documents can be used, and errors of `admit`
 */
export async function originalState(
  { id, base = {}, meta = {} }: SourceConversation,
  registry: ToolRegistry,
  options: StateOptions,
  notes: ImportNotes,
): Promise<ConversationState> {
  const request = await options.admit(await requestOf(id, base, meta, options, registry, notes));
  const now = utcTimestamp();
  const created = utcTime(meta['created_at']) ?? now;
  return {
    ...newConversation(request, registry),
    execution_status: statusIn(base['execution_status']) ?? 'idle',
    activated_knowledge_skills: textsIn(base['activated_knowledge_skills']),
    activated_path_rules: textsIn(base['activated_path_rules']),
    invoked_skills: textsIn(base['invoked_skills']),
    blocked_actions: textMapIn(base['blocked_actions']),
    blocked_messages: textMapIn(base['blocked_messages']),
    last_user_message_id: textIn(base['last_user_message_id']),
    leaf_event_id: textIn(base['leaf_event_id']),
    head_is_empty: base['head_is_empty'] === true,
    stats: statsIn(base['stats']),
    agent_state: agentState(base, notes),
    title: textIn(meta['title']),
    created_at: created,
    updated_at: utcTime(meta['updated_at']) ?? created,
    forked_from_conversation_id: dashedOrNull(meta['forked_from_conversation_id']),
    forked_from_event_id: textIn(meta['forked_from_event_id']),
    launched_agent_profile: isJsonObject(meta['launched_agent_profile'])
      ? meta['launched_agent_profile']
      : null,
  };
}

async function requestOf(
  id: string,
  base: JsonObject,
  meta: JsonObject,
  options: StateOptions,
  registry: ToolRegistry,
  notes: ImportNotes,
): Promise<RequestedConversation> {
  const current = (name: string): JsonObject => {
    const value = base[name] ?? meta[name];
    return value === undefined || value === null ? {} : { [name]: value };
  };
  const { working_dir: folder } = asJsonObject(base['workspace'] ?? meta['workspace']);
  if (typeof folder !== 'string')
    notes.problem('its workspace is unknown: workspace/project takes its place');
  const working_dir = options.mapWorkspace(typeof folder === 'string' ? folder : 'workspace/project');
  if (meta['plugins'] !== undefined && meta['plugins'] !== null)
    notes.change('plugins are not loaded again: what they gave to the agent is kept');
  const given = Object.entries(meta).filter(
    ([name, value]) => REQUEST_FIELDS.includes(name) && value !== null,
  );
  const raw: JsonObject = {
    ...Object.fromEntries(given),
    ...current('confirmation_policy'),
    ...current('security_analyzer'),
    ...current('max_iterations'),
    ...current('stuck_detection'),
    ...current('hook_config'),
    ...current('tags'),
    ...(isUuid(meta['parent_conversation_id']) && { parent_conversation_id: meta['parent_conversation_id'] }),
    client_tools: clientTools(base, meta),
    secrets: { ...asJsonObject(meta['secrets']), ...registrySecrets(base) },
    agent: base['agent'] ?? placeholderAgent(base),
    workspace: { working_dir, kind: 'LocalWorkspace' },
    conversation_id: id,
  };
  const request = await readRequest(raw, base, notes);
  const agent = withKnownTools(request.agent, registry, notes);
  const unknown = unknownFields(base, meta, request);
  return {
    ...request,
    agent,
    rest: { ...request.rest, ...(Object.keys(unknown).length > 0 && { unknown_fields: unknown }) },
  };
}

/** An agent that is not valid in any part is replaced: its conversation can still be read. */
async function readRequest(
  raw: JsonObject,
  base: JsonObject,
  notes: ImportNotes,
): Promise<RequestedConversation> {
  if (base['agent'] === undefined) notes.problem(`its agent is unknown: select a model before it goes on`);
  try {
    return await tolerantRequest(raw, notes);
  } catch (error) {
    if (base['agent'] === undefined) throw error;
    notes.problem('its agent cannot be read: select a model before it goes on');
    return tolerantRequest({ ...raw, agent: placeholderAgent(base) }, notes);
  }
}

function placeholderAgent(base: JsonObject): JsonObject {
  const [metrics] = Object.values(statsIn(base['stats']).usage_to_metrics);
  return { kind: 'Agent', llm: { model: metrics?.model_name ?? UNKNOWN_MODEL } };
}

/** The agent repeats client tools; its own copies matter if the request is lost. */
function clientTools(base: JsonObject, meta: JsonObject): unknown[] {
  if (Array.isArray(meta['client_tools'])) return meta['client_tools'];
  const { tools } = asJsonObject(base['agent']);
  return (Array.isArray(tools) ? tools : []).flatMap((tool: unknown) => {
    const { spec } = asJsonObject(asJsonObject(tool)['params']);
    return isJsonObject(spec) ? [spec] : [];
  });
}

function registrySecrets(base: JsonObject): JsonObject {
  return asJsonObject(asJsonObject(base['secret_registry'])['secret_sources']);
}

/** Fields of other versions: they are written again by an export. */
function unknownFields(base: JsonObject, meta: JsonObject, { agent }: RequestedConversation): JsonObject {
  const agentBefore = asJsonObject(base['agent']);
  const parts = {
    base_state: without(base, BASE_FIELDS),
    meta: without(meta, META_FIELDS),
    agent: without(agentBefore, new Set(Object.keys(agent))),
    llm: without(asJsonObject(agentBefore['llm']), new Set(Object.keys(agent.llm))),
  };
  return {
    ...Object.fromEntries(Object.entries(parts).filter(([, fields]) => Object.keys(fields).length > 0)),
  };
}

function without(fields: JsonObject, known: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => !known.has(name) && value !== null),
  );
}

/** Sessions of ACP agents are on the machine of their agent. */
function agentState(base: JsonObject, notes: ImportNotes): JsonObject {
  const state = asJsonObject(base['agent_state']);
  if (state['acp_session_id'] !== undefined)
    notes.change('the session of its ACP agent may be on another machine: the agent begins a new one then');
  return state;
}

function dashedOrNull(value: unknown): string | null {
  return isUuid(value) ? dashedUuid(value.replaceAll('-', '')) : null;
}

function isUuid(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{32}$/i.test(value.replaceAll('-', ''));
}
