import { InvalidRequestError } from '../../../../errors/index.js';
import { ACP_SERVERS, presetCommand, FILE_SECRETS } from '../../../../acp/index.js';
import type { AcpAgentSpec, FileSecretSpec } from '../../../../agent/index.js';
import {
  model,
  readChecked,
  Field,
  choice,
  decimal,
  flag,
  integer,
  listOf,
  nullable,
  recordOf,
  text,
} from '../../../../http/index.js';
import {
  type AgentContextDto,
  agentContext,
  LLMDto,
  llm,
  mcpServer,
  toLlmConfig,
} from '../../../../settings/index.js';
import type { JsonObject } from '../../../../json/index.js';
import { AgentFields } from './agent.dto.js';

/** Stands for the model that an ACP agent chooses itself. */
const MANAGED_MODEL = 'acp-managed';

function managedLlm(): LLMDto {
  return Object.assign(new LLMDto(), { model: MANAGED_MODEL, usage_id: MANAGED_MODEL });
}

/** A secret that is passed to the agent in a file. */
class ACPFileSecretSpecDto {
  @Field(text({ min: 1 }), 'The name of the secret in the conversation.')
  secret_name!: string;

  @Field(text({ min: 1 }), 'Name of the file in the folder `subdir`.')
  filename!: string;

  @Field(text({ min: 1 }), 'The environment variable that holds the path.')
  env_var!: string;

  @Field(text({ min: 1 }), "The folder of the file, relative to the conversation's folder.")
  subdir!: string;

  @Field(choice(['dir', 'file']), 'Whether the variable holds the path of the file or of its folder.')
  env_points_to: 'dir' | 'file' = 'file';

  @Field(listOf(text()), 'A warning is logged if one of these variables is missing.')
  warn_if_unset: string[] = [];
}

const fileSecrets = listOf(model(ACPFileSecretSpecDto, { className: 'ACPFileSecretSpec' }));

function knownFileSecrets(): ACPFileSecretSpecDto[] {
  return FILE_SECRETS.map((spec) => Object.assign(new ACPFileSecretSpecDto(), spec));
}

/** An ACP agent: a program that speaks the Agent Client Protocol on its standard input and output. */
export class ACPAgentDto extends AgentFields {
  @Field(llm(), 'The model that statistics name. The agent itself calls a model of its own choice.')
  llm: LLMDto = managedLlm();

  @Field(listOf(text()), 'Has no effect: an ACP agent has its own tools.')
  override include_default_tools: string[] = [];

  @Field(listOf(text()), 'The program and its first arguments.')
  acp_command!: string[];

  @Field(nullable(text()), 'Name of a known agent, for its special handling; null: none.')
  acp_server: string | null = null;

  @Field(listOf(text()), 'Further arguments.')
  acp_args: string[] = [];

  @Field(nullable(text()), "Session mode, one of those that the agent offers; null: the agent's default.")
  acp_session_mode: string | null = null;

  @Field(decimal(), 'Seconds without any update of the agent after which a turn is ended.')
  acp_prompt_timeout = 1800;

  @Field(decimal(), 'Time limit for starting a session, in seconds.')
  acp_startup_timeout = 90;

  @Field(nullable(text()), "Id of the model, one of those that the agent offers; null: the agent's default.")
  acp_model: string | null = null;

  @Field(nullable(text()), 'Id of a session of the agent to continue; null: a new session.')
  acp_resume_session_id: string | null = null;

  @Field(fileSecrets, 'Secrets that are passed to the agent in files, such as its credentials.')
  acp_file_secrets: ACPFileSecretSpecDto[] = knownFileSecrets();

  @Field(
    flag(),
    "Keep the agent's own data in the conversation's folder instead of the user's home; for known agents " +
      'only.',
  )
  acp_isolate_data_dir = false;

  @Field(
    choice(['ACPAgent']),
    'Marks an ACP agent: an external program that speaks the Agent Client Protocol.',
  )
  kind = 'ACPAgent';
}

/** The settings of an ACP agent. */
export class ACPAgentSettingsDto {
  @Field(integer({ ge: 1 }), 'Version of the format of these settings; this server writes 9.')
  schema_version = 9;

  @Field(
    choice(['acp']),
    'Marks settings of an ACP agent: an external program that speaks the Agent Client Protocol.',
  )
  agent_kind = 'acp';

  @Field(
    choice(ACP_SERVERS),
    'The known program that runs the agent, or `custom` for the program in `acp_command`.',
  )
  acp_server = 'claude-code';

  @Field(
    listOf(text()),
    'Program and its first arguments, for a custom agent or in place of the command of a known one. Empty: ' +
      "the known one's.",
  )
  acp_command: string[] = [];

  @Field(listOf(text()), 'Further arguments of the command.')
  acp_args: string[] = [];

  @Field(nullable(text()), "Id of the model, one of those that the agent offers; null: the agent's default.")
  acp_model: string | null = null;

  @Field(nullable(text()), "Session mode, one of those that the agent offers; null: the agent's default.")
  acp_session_mode: string | null = null;

  @Field(decimal({ gt: 0 }), 'Seconds without any update of the agent after which a turn is ended.')
  acp_prompt_timeout = 1800;

  @Field(decimal({ gt: 0 }), 'Time limit for starting the program and its session in seconds.')
  acp_startup_timeout = 90;

  @Field(recordOf(mcpServer), 'MCP servers by name. The agent connects to them, not this server.')
  mcp_config: Record<string, JsonObject> = {};

  @Field(
    flag(),
    "Keep the agent's own data in the conversation's folder instead of the user's home; for known agents " +
      'only.',
  )
  acp_isolate_data_dir = false;

  @Field(fileSecrets, 'Secrets that are passed to the agent in files, such as its credentials.')
  acp_file_secrets: ACPFileSecretSpecDto[] = knownFileSecrets();

  @Field(agentContext, 'Skills and texts that are added to messages for the agent; null: none.')
  agent_context: AgentContextDto | null = null;
}

/** Fields that ACP settings no longer have. */
const REMOVED_SETTINGS = ['llm'];

/**
 * Creates an ACP agent from settings that are not validated yet.
 * @param context converts the agent context
 * @throws InvalidRequestError, RequestValidationError
 */
export function acpAgentFromSettings(
  settings: JsonObject,
  context: (dto: AgentContextDto) => JsonObject,
): AcpAgentSpec {
  const removed = REMOVED_SETTINGS.filter((name) => Object.hasOwn(settings, name));
  if (removed.length > 0)
    throw new InvalidRequestError(['body'], `Removed agent settings: ${removed.join(', ')}`);
  const dto = readChecked(model(ACPAgentSettingsDto), settings, ['body', 'agent_settings']);
  if (!(dto instanceof ACPAgentSettingsDto)) throw new TypeError('not the settings of an agent');
  return acpAgentFromDto(dto, context);
}

/**
 * Creates an ACP agent from valid settings.
 * @throws InvalidRequestError for a custom agent without a command
 */
export function acpAgentFromDto(
  dto: ACPAgentSettingsDto,
  context: (dto: AgentContextDto) => JsonObject,
): AcpAgentSpec {
  const { agent_context, schema_version: _version, agent_kind: _kind, ...fields } = dto;
  const agent = new ACPAgentDto();
  const acp_command = dto.acp_command.length > 0 ? dto.acp_command : presetCommand(dto.acp_server);
  if (!acp_command) {
    throw new InvalidRequestError(
      [],
      "ACPAgentSettings.acp_command must be set when acp_server='custom' — there is no default to fall back to",
    );
  }
  Object.assign(agent, fields, { acp_command, agent_context });
  return toAcpAgentSpec(agent, context);
}

function toFileSecretSpec(dto: ACPFileSecretSpecDto): FileSecretSpec {
  const { secret_name, filename, env_var, subdir, env_points_to, warn_if_unset } = dto;
  return { secret_name, filename, env_var, subdir, env_points_to, warn_if_unset };
}

/**
 * Converts an ACP agent. The order of the fields is the order on the wire.
 * @throws InvalidRequestError if it has tools
 */
export function toAcpAgentSpec(
  agent: ACPAgentDto,
  context: (dto: AgentContextDto) => JsonObject,
): AcpAgentSpec {
  if (agent.tools.length > 0) {
    throw new InvalidRequestError(
      ['body', 'agent', 'tools'],
      'ACPAgent does not support custom tools; the ACP server manages its own tools',
    );
  }
  const llm = toLlmConfig(agent.llm);
  return {
    llm: agent.acp_model === null ? llm : { ...llm, model: agent.acp_model },
    tools: [],
    mcp_config: agent.mcp_config,
    filter_tools_regex: agent.filter_tools_regex,
    include_default_tools: [],
    agent_context: agent.agent_context && context(agent.agent_context),
    system_prompt: agent.system_prompt,
    system_prompt_filename: agent.system_prompt_filename,
    security_policy_filename: agent.security_policy_filename,
    system_prompt_kwargs: agent.system_prompt_kwargs,
    condenser: null,
    critic: null,
    tool_concurrency_limit: agent.tool_concurrency_limit,
    acp_command: agent.acp_command,
    acp_server: agent.acp_server,
    acp_args: agent.acp_args,
    acp_session_mode: agent.acp_session_mode,
    acp_prompt_timeout: agent.acp_prompt_timeout,
    acp_startup_timeout: agent.acp_startup_timeout,
    acp_model: agent.acp_model,
    acp_resume_session_id: agent.acp_resume_session_id,
    acp_file_secrets: agent.acp_file_secrets.map(toFileSecretSpec),
    acp_isolate_data_dir: agent.acp_isolate_data_dir,
    kind: 'ACPAgent',
  };
}
