import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { summarizers } from '../../agent/index.js';
import { InvalidRequestError, errorMessage } from '../../errors/index.js';
import { utcTimestamp } from '../../events/index.js';
import { makeFolder } from '../../files/index.js';
import { nameProblem } from '../../llm/index.js';
import { toStorageError, StorageFailedError } from '../../storage/index.js';
import { matchingNames } from '../../text/index.js';
import {
  DuplicateToolError,
  ToolParamsError,
  UnknownToolError,
  type ToolRegistry,
} from '../../tools/index.js';
import { noAttention } from '../state/attention.js';
import type { ConversationState } from '../state/conversation-state.js';
import type { RequestedConversation, StartConversationRequest } from '../state/start-request.js';

/** The initial state of a conversation. */
export function newConversation(
  request: StartConversationRequest,
  registry: ToolRegistry,
): ConversationState {
  const now = utcTimestamp();
  return {
    id: request.conversation_id ?? randomUUID(),
    owner_key: request.owner_key,
    ...(request.workspace_root !== null && { workspace_root: request.workspace_root }),
    agent: request.agent,
    workspace: request.workspace,
    max_iterations: request.max_iterations,
    stuck_detection: request.stuck_detection,
    ...(request.max_budget_per_run !== null && { max_budget_per_run: request.max_budget_per_run }),
    execution_status: 'idle',
    confirmation_policy: request.confirmation_policy,
    security_analyzer: request.security_analyzer,
    activated_knowledge_skills: [],
    activated_path_rules: [],
    invoked_skills: [],
    blocked_actions: {},
    blocked_messages: {},
    last_user_message_id: null,
    leaf_event_id: null,
    head_is_empty: false,
    stats: { usage_to_metrics: {} },
    secrets: request.secrets,
    agent_state: {},
    hook_config: request.hook_config,
    title: request.title ?? null,
    created_at: now,
    updated_at: now,
    parent_conversation_id: request.parent_conversation_id,
    forked_from_conversation_id: null,
    forked_from_event_id: null,
    attention: noAttention(now),
    goal: null,
    worktree: null,
    tags: request.tags,
    client_tools: request.client_tools,
    tool_module_qualnames: { ...pythonModules(request, registry), ...request.tool_module_qualnames },
    autotitle: request.autotitle,
    launched_agent_profile: request.launched_agent_profile,
    rest: request.rest,
  };
}

/** The Python modules of the requested tools: clients in Python import their classes from there. */
function pythonModules(request: StartConversationRequest, registry: ToolRegistry): Record<string, string> {
  const modules = request.agent.tools.flatMap(({ name }) => {
    const module = registry.pythonModule(name);
    return module === undefined ? [] : [[name, module] as const];
  });
  return Object.fromEntries(modules);
}

/**
 * Checks that all tools of an agent exist and that their options can be used.
 * @throws InvalidRequestError naming the tool and listing the known ones, or saying what is wrong
 */
export function assertToolsKnown(
  { agent, agentField = 'agent', client_tools }: RequestedConversation,
  registry: ToolRegistry,
): void {
  const clash = client_tools.find(({ name }) => registry.has(name));
  if (clash) {
    throw new InvalidRequestError(
      [],
      `Client tool name '${clash.name}' collides with an existing non-client tool. Choose a unique client tool name.`,
    );
  }
  const { filter_tools_regex: filter } = agent;
  if (filter !== null && matchingNames(filter, [], false) === undefined) {
    const location = ['body', 'agent', 'filter_tools_regex'];
    throw new InvalidRequestError(location, 'Not a valid regular expression', filter);
  }
  try {
    registry.assertKnown(agent.tools, agent.include_default_tools);
  } catch (error) {
    if (error instanceof UnknownToolError) {
      const index = agent.tools.findIndex(({ name }) => name === error.toolName);
      const location = index === -1 ? ['include_default_tools'] : ['tools', index, 'name'];
      throw new InvalidRequestError(['body', 'agent', ...location], error.message, error.toolName);
    }
    if (error instanceof ToolParamsError) {
      // The tools of settings are tidied, so they have other positions here.
      const place = agentField === 'agent' ? ['tools', error.index, 'params', ...error.params] : ['tools'];
      throw new InvalidRequestError(['body', agentField, ...place], error.message);
    }
    if (error instanceof DuplicateToolError) {
      throw new InvalidRequestError(['body', 'agent', 'tools'], error.message, error.toolNames);
    }
    throw error;
  }
}

/**
 * Checks that there is a provider for each model of an agent. Otherwise an unknown name would fail with the
 * first message only.
 * @throws InvalidRequestError suggesting similar names
 */
export function assertModelsServed({ agent }: Pick<RequestedConversation, 'agent'>): void {
  // An ACP agent calls its models itself.
  if (agent.kind === 'ACPAgent') return;
  assertModelServed(agent.llm.model, ['body', 'agent', 'llm', 'model']);
  for (const { llm } of summarizers(agent.condenser))
    assertModelServed(llm.model, ['body', 'agent', 'condenser', 'llm', 'model']);
}

/**
 * Checks that there is a provider for a model.
 * @param location where the request has the name
 * @throws InvalidRequestError
 */
export function assertModelServed(model: string, location: string[]): void {
  const problem = nameProblem(model);
  if (problem !== undefined) throw new InvalidRequestError(location, problem, model);
}

/**
 * Creates the working directory.
 * @param baseDir what a relative path is relative to
 * @throws InvalidRequestError when the directory cannot be created; StorageFailedError when the disk is full
 */
export async function makeWorkingDir(workingDir: string, baseDir: string): Promise<void> {
  const location = ['body', 'workspace', 'working_dir'];
  if (workingDir === '') throw new InvalidRequestError(location, 'working_dir must not be empty', workingDir);
  try {
    await makeFolder(path.resolve(baseDir, workingDir));
  } catch (error) {
    const failure = toStorageError(error);
    if (failure instanceof StorageFailedError && failure.isFull) throw failure;
    const reason = errorMessage(error);
    throw new InvalidRequestError(location, `working_dir cannot be used: ${reason}`, workingDir);
  }
}
