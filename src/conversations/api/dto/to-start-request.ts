import { InvalidRequestError } from '../../../errors/index.js';
import type { AgentSpec, ToolSpec, CondenserSpec } from '../../../agent/index.js';
import { utcTimestamp } from '../../../events/index.js';
import { readChecked, toPlain, model } from '../../../http/index.js';
import { llm, UnusableProfileError, type AgentContextDto, toLlmConfig } from '../../../settings/index.js';
import { clientToolProblem, type ClientToolSpec } from '../../../tools/index.js';
import type { RequestedConversation, WorktreeOptions } from '../../state/start-request.js';
import { ACPAgentDto, acpAgentFromSettings, toAcpAgentSpec } from './agent/acp-agent.dto.js';
import { AgentDto, DEFAULT_PROMPT_FILE, LLMSummarizingCondenserDto } from './agent/agent.dto.js';
import { toCondenser } from './agent/to-condenser.js';
import { toolsFromSettings } from './agent/tools-from-settings.js';
import { AgentSettingsDto } from './agent/agent-settings.dto.js';
import type { LaunchedProfile } from '../../profiles/launch-profiles.js';
import { inScope } from '../../profiles/secret-scope.js';
import { criticFromSettings } from './agent/critic-from-settings.js';
import { asJsonObject, type JsonObject } from '../../../json/index.js';
import type {
  ClientToolSpecDto,
  ToolAnnotationsDto,
  ConversationWorktreeOptionsDto,
  StartConversationRequestDto,
} from './start-conversation.dto.js';
import { toNewMessage } from './to-new-message.js';

/** The tool that switches to the model which a meta-profile chooses. */
const ROUTING_TOOL = 'ClassifyAndSwitchLLMTool';
/** Settings that no longer exist. They are rejected instead of being ignored. */
const REMOVED_SETTINGS = ['enable_sub_agents', 'enable_switch_llm_tool'];
/** The usage id under which summaries are counted. */
const CONDENSER_USAGE_ID = 'condenser';

/**
 * Converts a valid create request, with all defaults filled in.
 * @param launched the agent profile that the request names
 * @param profileLlm the model of the LLM profile that the request names
 * @throws InvalidRequestError for problems that involve several fields
 * @throws UnusableProfileError for an agent profile that is not valid
 */
export function toStartRequest(
  dto: StartConversationRequestDto,
  launched?: LaunchedProfile,
  profileLlm?: JsonObject,
): RequestedConversation {
  if (dto.conversation_runtime === 'docker') {
    throw new InvalidRequestError([], 'This server only runs local conversations');
  }
  assertUniqueClientTools(dto);
  const agent = launched ? agentFromProfile(launched) : requestedAgent(dto, profileLlm);
  return {
    agent: { ...agent, tools: withoutClientTools(agent, dto) },
    storedModel: launched !== undefined || profileLlm !== undefined,
    agentField: launched ? 'agent_profile_id' : dto.agent ? 'agent' : 'agent_settings',
    workspace: { working_dir: dto.workspace.working_dir, kind: dto.workspace.kind },
    conversation_id: dto.conversation_id,
    parent_conversation_id: dto.parent_conversation_id,
    confirmation_policy: withKind(dto.confirmation_policy),
    security_analyzer: dto.security_analyzer && withKind(dto.security_analyzer),
    initial_message:
      dto.initial_message && toNewMessage(dto.initial_message, ['body', 'initial_message', 'role']),
    max_iterations: dto.max_iterations,
    stuck_detection: dto.stuck_detection,
    max_budget_per_run: dto.max_budget_per_run,
    secrets: inScope(toSecretSources(dto.secrets), launched?.launchInfo ?? null),
    client_tools: dto.client_tools.map(toClientTool),
    tool_module_qualnames: dto.tool_module_qualnames,
    hook_config: dto.hook_config && asJsonObject(toPlain(dto.hook_config)),
    tags: dto.tags ?? {},
    autotitle: dto.autotitle,
    launched_agent_profile: launched?.launchInfo ?? null,
    worktree: dto.worktree,
    worktree_options: dto.worktree_options && toWorktreeOptions(dto.worktree_options),
    rest: asJsonObject(toPlain(dto, CONVERTED_FIELDS)),
  };
}

/** Fields that are not part of `rest`. */
const CONVERTED_FIELDS: ReadonlySet<string> = new Set<keyof StartConversationRequestDto>([
  'agent',
  'agent_settings',
  'agent_profile_id',
  'llm_profile_ref',
  'workspace',
  'conversation_id',
  'parent_conversation_id',
  'confirmation_policy',
  'security_analyzer',
  'initial_message',
  'max_iterations',
  'stuck_detection',
  'max_budget_per_run',
  'secrets',
  'client_tools',
  'tool_module_qualnames',
  'hook_config',
  'tags',
  'autotitle',
  'worktree',
  'worktree_options',
]);

/** @throws InvalidRequestError if the base is `ref` and no `ref` is given */
function toWorktreeOptions(options: ConversationWorktreeOptionsDto): WorktreeOptions {
  const { base, ref, branch_prefix } = options;
  if (base === 'ref' && ref === null) {
    throw new InvalidRequestError(['body', 'worktree_options'], 'A `ref` base needs a `ref`');
  }
  return { base, ref, branch_prefix };
}

/** @throws InvalidRequestError for a name or schema that no model accepts */
function toClientTool(dto: ClientToolSpecDto, index: number): ClientToolSpec {
  const { name, description, parameters, annotations } = dto;
  const spec = { name, description, parameters, annotations: annotations && toAnnotations(annotations) };
  const problem = clientToolProblem(spec);
  if (problem !== undefined) throw new InvalidRequestError(['body', 'client_tools', index], problem);
  return spec;
}

function toAnnotations(dto: ToolAnnotationsDto): NonNullable<ClientToolSpec['annotations']> {
  const { title, readOnlyHint, destructiveHint, idempotentHint, openWorldHint } = dto;
  return { title, readOnlyHint, destructiveHint, idempotentHint, openWorldHint };
}

function assertUniqueClientTools({ client_tools }: StartConversationRequestDto): void {
  const names = client_tools.map(({ name }) => name);
  const duplicate = names.find((name, index) => names.indexOf(name) !== index);
  if (duplicate === undefined) return;
  throw new InvalidRequestError(
    [],
    `Duplicate client tool name '${duplicate.slice(0, 200)}' in one registration request. Client tool names must be unique.`,
  );
}

/** Removes client tools: answers list them among the agent's tools, and clients send them back. */
function withoutClientTools({ tools }: AgentSpec, { client_tools }: StartConversationRequestDto): ToolSpec[] {
  return tools.filter((tool) => !client_tools.some(({ name }) => name === tool.name));
}

/**
 * The id of the agent profile that a request names, or null.
 * @throws InvalidRequestError if the request has another agent, too
 */
export function requestedProfile(dto: StartConversationRequestDto): string | null {
  if (dto.agent_profile_id === null) return null;
  const other = dto.agent ? 'agent' : dto.agent_settings ? 'agent_settings' : undefined;
  if (other === undefined) return dto.agent_profile_id;
  throw new InvalidRequestError(['body'], `\`agent_profile_id\` is mutually exclusive with \`${other}\``);
}

/**
 * The name of the LLM profile that a request names, or null.
 * @throws InvalidRequestError if the request has no settings of a built-in agent
 */
export function requestedLlmProfile({
  llm_profile_ref,
  agent,
  agent_settings,
}: StartConversationRequestDto): string | null {
  if (llm_profile_ref === null) return null;
  if (!agent && agent_settings && agent_settings['agent_kind'] !== 'acp') return llm_profile_ref;
  throw new InvalidRequestError(
    ['body', 'llm_profile_ref'],
    'Only with the `agent_settings` of a built-in agent',
  );
}

/** @throws UnusableProfileError if an LLM profile holds no valid model */
function assertUsable(profileLlm: JsonObject, name: string | null): void {
  try {
    readChecked(llm(), profileLlm, ['profile']);
  } catch {
    // The problems of a stored profile are not problems of the request.
    throw new UnusableProfileError(`Profile '${name}' holds no valid LLM`);
  }
}

function agentFromProfile({ name, settings }: LaunchedProfile): AgentSpec {
  try {
    return agentFromSettings(settings);
  } catch {
    // The problems of a stored profile are not problems of the request.
    throw new UnusableProfileError(`Agent profile '${name}' holds no valid agent`);
  }
}

function requestedAgent(dto: StartConversationRequestDto, profileLlm: JsonObject | undefined): AgentSpec {
  if (dto.agent instanceof AgentDto) return toAgentSpec(dto.agent);
  if (dto.agent instanceof ACPAgentDto) return toAcpAgentSpec(dto.agent, toAgentContext);
  if (dto.agent_settings) {
    if (profileLlm) assertUsable(profileLlm, dto.llm_profile_ref);
    return agentFromSettings(profileLlm ? { ...dto.agent_settings, llm: profileLlm } : dto.agent_settings);
  }
  throw new InvalidRequestError(
    ['body'],
    'One of `agent`, `agent_settings`, or `agent_profile_id` must be provided',
  );
}

/**
 * Reads a built-in agent as it is in the `agent` of a create request.
 * @throws RequestValidationError, InvalidRequestError
 */
export function readAgent(raw: JsonObject): AgentSpec {
  const dto = readChecked(model(AgentDto), raw, ['agent']);
  if (!(dto instanceof AgentDto)) throw new TypeError('not an agent');
  return toAgentSpec(dto);
}

function toAgentSpec(agent: AgentDto): AgentSpec {
  if (agent.system_prompt !== null && agent.system_prompt_filename !== DEFAULT_PROMPT_FILE) {
    throw new InvalidRequestError(
      ['body', 'agent'],
      "Cannot set both 'system_prompt' and a non-default 'system_prompt_filename'. Use one or the other.",
    );
  }
  assertCondenserLimits(agent.condenser);
  return {
    llm: toLlmConfig(agent.llm),
    tools: agent.tools.map(({ name, params }) => ({ name, params })),
    mcp_config: agent.mcp_config,
    filter_tools_regex: agent.filter_tools_regex,
    include_default_tools: agent.include_default_tools,
    agent_context: agent.agent_context && toAgentContext(agent.agent_context),
    system_prompt: agent.system_prompt,
    system_prompt_filename: agent.system_prompt_filename,
    security_policy_filename: agent.security_policy_filename,
    system_prompt_kwargs: { llm_security_analyzer: true, ...agent.system_prompt_kwargs },
    condenser: agent.condenser && toCondenser(agent.condenser),
    critic: agent.critic && asJsonObject(toPlain(agent.critic)),
    tool_concurrency_limit: agent.tool_concurrency_limit,
    persona: agent.persona,
    kind: 'Agent',
  };
}

/** Converts secret sources to plain JSON, by name. */
export function toSecretSources(secrets: ReadonlyMap<string, object>): Record<string, JsonObject> {
  return Object.fromEntries([...secrets].map(([name, source]) => [name, asJsonObject(toPlain(source))]));
}

/** Converts an agent context and sets its time. */
export function toAgentContext(context: AgentContextDto): JsonObject {
  const { current_datetime = utcTimestamp() } = context;
  return { ...asJsonObject(toPlain(context)), current_datetime };
}

function assertCondenserLimits(condenser: object | null): void {
  if (!(condenser instanceof LLMSummarizingCondenserDto)) return;
  const { keep_first, max_size } = condenser;
  if (keep_first < Math.floor(max_size / 2) - 1) return;
  throw new InvalidRequestError(
    ['body', 'agent', 'condenser'],
    'keep_first must be less than max_size // 2 to leave room for condensation',
  );
}

/**
 * Creates an agent from settings that are not validated yet. Adds the default tools, a condenser with the
 * agent's model and a context.
 * @throws InvalidRequestError, RequestValidationError
 */
function agentFromSettings(settings: JsonObject): AgentSpec {
  const removed = REMOVED_SETTINGS.filter((name) => Object.hasOwn(settings, name));
  if (removed.length > 0)
    throw new InvalidRequestError(['body'], `Removed agent settings: ${removed.join(', ')}`);
  if (settings['agent_kind'] === 'acp') return acpAgentFromSettings(settings, toAgentContext);
  const dto = readChecked(model(AgentSettingsDto), settings, ['body', 'agent_settings']);
  if (!(dto instanceof AgentSettingsDto)) throw new TypeError('not the settings of an agent');
  const { tools, persona, agent_context, tool_concurrency_limit, mcp_config } = dto;
  const agent = new AgentDto();
  Object.assign(agent, { llm: dto.llm, agent_context, persona, tool_concurrency_limit, mcp_config });
  const named = toolsFromSettings(tools?.map(({ name, params }) => ({ name, params })) ?? null);
  const routing = routingTool(dto);
  const isOther = (name: string): boolean => routing.length === 0 || name !== ROUTING_TOOL;
  return {
    ...toAgentSpec(agent),
    tools: [...named.tools.filter(({ name }) => isOther(name)), ...routing],
    include_default_tools: named.include_default_tools.filter(isOther),
    condenser: condenserFromSettings(dto),
    critic: criticFromSettings(dto.verification, dto.llm),
  };
}

/**
 * The tool that switches models, if it is enabled, with the meta-profile that the settings name or contain.
 */
function routingTool(dto: AgentSettingsDto): ToolSpec[] {
  if (!dto.enable_classify_and_switch_llm_tool) return [];
  const { active_meta_profile, meta_profile } = dto;
  const llms = Object.entries(dto.meta_profile_llms).map(([name, llm]) => [name, toLlmConfig(llm)] as const);
  const params = {
    ...(active_meta_profile === null ? {} : { active_meta_profile }),
    ...(meta_profile ? { meta_profile: toPlain(meta_profile) } : {}),
    ...(llms.length > 0 ? { meta_profile_llms: Object.fromEntries(llms) } : {}),
  };
  return [{ name: ROUTING_TOOL, params }];
}

function condenserFromSettings({ condenser, llm }: AgentSettingsDto): CondenserSpec | null {
  if (!condenser.enabled || condenser.condenser_kind !== 'llm_summarizing') return null;
  const { enabled: _enabled, condenser_kind: _kind, ...limits } = condenser;
  return {
    llm: { ...toLlmConfig(llm), usage_id: CONDENSER_USAGE_ID },
    ...limits,
    kind: 'LLMSummarizingCondenser',
  };
}

/** Converts a configuration that has a `kind` to plain JSON. */
export function withKind(dto: object): JsonObject & { kind: string } {
  const plain = asJsonObject(toPlain(dto));
  return { ...plain, kind: String(plain['kind']) };
}
