import { randomUUID } from 'node:crypto';
import type { AgentSpec } from '../../agent/index.js';
import { errorMessage } from '../../errors/index.js';
import { utcTimestamp } from '../../events/index.js';
import { RequestValidationError } from '../../http/index.js';
import { asText, isJsonObject, type JsonObject } from '../../json/index.js';
import { builtInTool } from '../../tools/index.js';
import { readAgent } from '../api/dto/to-start-request.js';
import { noAttention } from '../state/attention.js';
import type { ConversationState } from '../state/conversation-state.js';
import { ReplayError } from './replay-error.js';

/** What is changed before a replay. */
export interface ReplayChanges {
  /** Fields that take the place of those of the recorded agent, as in a create request; `llm` is merged. */
  agent?: JsonObject;
  /** The system prompt: a text, or the absolute path of a template. */
  systemPrompt?: { text: string } | { template: string };
  /** Names of tools that the agent does not have any more. */
  withoutTools: readonly string[];
  /** Names of tools that it has in addition. */
  withTools: readonly string[];
}

/** How a replay begins, and what it leaves out, in words. */
export interface ReplayedState {
  state: ConversationState;
  leftOut: string[];
}

/**
 * The state of a conversation that begins as the recorded one did, with changes. It works in `workingDir`,
 * asks nobody, and starts nothing besides its tools.
 * @throws ReplayError for changes that do not fit
 */
export function replayedState(
  recorded: ConversationState,
  changes: ReplayChanges,
  { workingDir, readsWorkspace }: { workingDir: string; readsWorkspace: boolean },
): ReplayedState {
  const now = utcTimestamp();
  const base = withFields(recorded.agent, changes.agent);
  const { workspace_root: _root, workspace_host: _host, max_budget_per_run: _budget, ...rest } = recorded;
  const { message_keys: _keys, ...source } = structuredClone({ ...rest, agent: base });
  const leftOut = [
    source.hook_config !== null && 'hooks are not run',
    Object.keys(source.agent.mcp_config).length > 0 &&
      'MCP servers are not started: their tools are as recorded',
    source.agent.critic !== null && 'the critic is not asked',
    !readsWorkspace &&
      source.agent.agent_context?.['load_memory'] === true &&
      'memory files are not compared',
  ].filter((text) => typeof text === 'string');
  const state: ConversationState = {
    ...source,
    id: randomUUID(),
    owner_key: null,
    agent: changedAgent(withoutOutside(source.agent, readsWorkspace), changes),
    workspace: { ...source.workspace, working_dir: workingDir },
    execution_status: 'idle',
    confirmation_policy: { kind: 'NeverConfirm' },
    hook_config: null,
    ...{ activated_knowledge_skills: [], activated_path_rules: [], invoked_skills: [] },
    ...{ blocked_actions: {}, blocked_messages: {}, last_user_message_id: null },
    ...{ leaf_event_id: null, head_is_empty: false, stats: { usage_to_metrics: {} }, agent_state: {} },
    secrets: placeholders(source.secrets),
    ...{ created_at: now, updated_at: now, attention: noAttention(now) },
    ...{ parent_conversation_id: null, forked_from_conversation_id: null, forked_from_event_id: null },
    ...{ goal: null, worktree: null, autotitle: false, launched_agent_profile: null },
    client_tools: source.client_tools.filter(({ name }) => !changes.withoutTools.includes(name)),
    rest: {},
  };
  assertKnown(source, changes.withoutTools);
  return { state, leftOut };
}

/** @throws ReplayError for fields that an agent does not have, or not so */
function withFields(recorded: AgentSpec, given: JsonObject | undefined): AgentSpec {
  if (given === undefined) return recorded;
  const before: JsonObject = { ...recorded };
  // Of these an agent has only one.
  if ((given['system_prompt'] ?? null) !== null) delete before['system_prompt_filename'];
  if (given['system_prompt_filename'] !== undefined) delete before['system_prompt'];
  const merged = { ...before, ...given };
  if (isJsonObject(given['llm'])) merged['llm'] = { ...recorded.llm, ...given['llm'] };
  try {
    return readAgent(merged);
  } catch (error) {
    throw new ReplayError(`the agent is not valid: ${problemOf(error)}`);
  }
}

function problemOf(error: unknown): string {
  if (!(error instanceof RequestValidationError)) return errorMessage(error);
  return error.problems.map(({ path, msg }) => `${path?.join('.') ?? ''}: ${msg}`).join('; ');
}

/** The agent without what reaches models, networks and the user's own files. */
function withoutOutside(agent: AgentSpec, readsWorkspace: boolean): AgentSpec {
  const { agent_context: context, llm } = agent;
  const own = { load_public_skills: false, load_user_skills: false, registered_marketplaces: [] };
  const project = readsWorkspace ? {} : { load_project_skills: false };
  return {
    ...agent,
    mcp_config: {},
    critic: null,
    agent_context: context && { ...context, ...own, ...project },
    llm: { ...llm, api_key: null, base_url: null, log_completions: false, stream: false },
  };
}

function changedAgent(agent: AgentSpec, { systemPrompt, withoutTools, withTools }: ReplayChanges): AgentSpec {
  const kinds = withoutTools.map((name) => builtInTool(name)?.kind);
  const changed = {
    ...agent,
    tools: [
      ...agent.tools.filter(({ name }) => !withoutTools.includes(name)),
      ...withTools.map((name) => ({ name, params: {} })),
    ],
    include_default_tools: agent.include_default_tools.filter((kind) => !kinds.includes(kind)),
  };
  if (systemPrompt === undefined) return changed;
  return 'text' in systemPrompt
    ? { ...changed, system_prompt: systemPrompt.text }
    : { ...changed, system_prompt: null, system_prompt_filename: systemPrompt.template };
}

/** Only the names of secrets are part of a prompt; a value that nobody can guess masks nothing else. */
function placeholders(secrets: ConversationState['secrets']): ConversationState['secrets'] {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, secret]): [string, JsonObject] => [
      name,
      { kind: 'StaticSecret', value: randomUUID(), description: asText(secret['description']) ?? null },
    ]),
  );
}

/** @throws ReplayError for a tool that the agent does not have */
function assertKnown(
  { agent, client_tools }: Pick<ConversationState, 'agent' | 'client_tools'>,
  names: readonly string[],
): void {
  for (const name of names) {
    const kind = builtInTool(name)?.kind;
    const isKnown =
      agent.tools.some((tool) => tool.name === name) ||
      client_tools.some((tool) => tool.name === name) ||
      (kind !== undefined && agent.include_default_tools.includes(kind));
    const has = [...agent.tools, ...client_tools].map((tool) => tool.name).join(', ');
    if (!isKnown) throw new ReplayError(`the agent of the conversation has no tool ${name} (it has ${has})`);
  }
}
