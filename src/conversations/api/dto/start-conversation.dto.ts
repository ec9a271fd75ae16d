import {
  model,
  Field,
  NoOtherFields,
  type FieldType,
  anyObject,
  anything,
  choice,
  decimal,
  flag,
  integer,
  listOf,
  mapOf,
  nullable,
  recordOf,
  text,
  uuid,
  valueError,
} from '../../../http/index.js';
import { pythonRepr } from '../../../text/index.js';
import { isJsonObject, type JsonObject } from '../../../json/index.js';
import { AgentDefinitionDto, agentDefinition } from './agent/agent-definition.dto.js';
import { agent } from './agent/any-agent.dto.js';
import { HookConfigDto, hookConfig } from './agent/hook-config.dto.js';
import { SendMessageRequestDto } from './message.dto.js';
import { NeverConfirmDto, confirmationPolicy, secretSource, securityAnalyzer } from './policies.dto.js';
import { tags } from './tags.js';

/** `PATH_MAX` of Linux: no file system that the server runs on accepts longer paths. */
const MAX_PATH = 4096;

/** The agent's working directory. */
export class LocalWorkspaceDto {
  @Field(
    text({
      max: MAX_PATH,
      check: (path) => (path.includes('\0') ? 'working_dir must not contain null characters' : undefined),
    }),
    "Relative paths are resolved against the server's working directory. Created if it does not exist.",
  )
  working_dir!: string;

  @Field(choice(['LocalWorkspace']))
  kind = 'LocalWorkspace';
}

const workspaceModel = model(LocalWorkspaceDto);
/** A workspace. Other kinds are rejected with the error that clients know from the original. */
const workspace: FieldType = {
  ...workspaceModel,
  read: (raw) => (isOtherKind(raw) ? raw : workspaceModel.read(raw)),
  problems: (value) =>
    isOtherKind(value)
      ? [{ type: 'assertion_error', msg: 'Assertion failed, ', ctx: { error: '' } }]
      : workspaceModel.problems(value),
};

function isOtherKind(value: unknown): boolean {
  return isJsonObject(value) && Object.hasOwn(value, 'kind') && value['kind'] !== 'LocalWorkspace';
}

/** How the git worktree of a conversation is created. */
@NoOtherFields()
export class ConversationWorktreeOptionsDto {
  @Field(choice(['default_branch', 'head', 'ref']))
  base: 'default_branch' | 'head' | 'ref' = 'default_branch';

  @Field(nullable(text({ pattern: /^[A-Za-z0-9][A-Za-z0-9._/-]*$/ })))
  ref: string | null = null;

  @Field(text({ pattern: /^([A-Za-z0-9][A-Za-z0-9._/-]*)?$/ }))
  branch_prefix = 'openhands/';
}

/** Accepted for compatibility: this server runs no containers. */
@NoOtherFields()
class ConversationContainerOptionsDto {
  @Field(nullable(text({ pattern: /^\d+(\.\d+)? ?[kKmMgGtTpP]?[iI]?[bB]?$/ })))
  memory: string | null = null;

  @Field(nullable(decimal({ ge: 0.01 })))
  cpus: number | null = null;

  @Field(flag())
  browser = true;
}

/** Additions to the agent of a profile. */
@NoOtherFields()
class AgentLaunchAdditionsDto {
  @Field(nullable(text({ max: 32_768 })))
  system_message_suffix_append: string | null = null;

  @Field(nullable(listOf(anyObject())))
  skills: JsonObject[] | null = null;

  @Field(nullable(text({ min: 1 })))
  llm_profile_ref: string | null = null;
}

/** Hints about the effects of a tool. */
export class ToolAnnotationsDto {
  @Field(nullable(text()))
  title: string | null = null;

  @Field(flag())
  readOnlyHint = false;

  @Field(flag())
  destructiveHint = true;

  @Field(flag())
  idempotentHint = false;

  @Field(flag())
  openWorldHint = true;
}

/** The JSON schema of a client tool. The error text is the original's. */
const toolParameters: FieldType = {
  ...anyObject(),
  problems: (value) => {
    const problems = anyObject().problems(value);
    if (problems.length > 0 || !isJsonObject(value) || value['type'] === 'object') return problems;
    const given = pythonRepr(value['type']);
    return [
      valueError(
        `ClientToolSpec.parameters must be an object JSON Schema (got type=${given}). ` +
          'Example: {"type": "object", "properties": {...}}',
      ),
    ];
  },
};

/** A tool that the client executes. */
export class ClientToolSpecDto {
  @Field(text())
  name!: string;

  @Field(text())
  description!: string;

  @Field(toolParameters, 'The JSON schema of the arguments.')
  parameters: JsonObject = { type: 'object', properties: {} };

  @Field(nullable(model(ToolAnnotationsDto)))
  annotations: ToolAnnotationsDto | null = null;
}

/** A plugin to load. */
class PluginSourceDto {
  @Field(text())
  source!: string;

  @Field(nullable(text()))
  ref: string | null = null;

  @Field(nullable(text()))
  repo_path: string | null = null;
}

/** A request for a new conversation. Needs a workspace and an agent, agent settings or an agent profile. */
export class StartConversationRequestDto {
  @Field(workspace)
  workspace!: LocalWorkspaceDto;

  @Field(flag(), 'Work in a git worktree of the workspace.')
  worktree = false;

  @Field(nullable(model(ConversationWorktreeOptionsDto)))
  worktree_options: ConversationWorktreeOptionsDto | null = null;

  @Field(
    nullable(uuid()),
    'If a conversation with this id exists, it is returned with status 200. Null: the server generates an id.',
  )
  conversation_id: string | null = null;

  @Field(nullable(uuid()))
  parent_conversation_id: string | null = null;

  @Field(confirmationPolicy)
  confirmation_policy: object = new NeverConfirmDto();

  @Field(nullable(securityAnalyzer))
  security_analyzer: object | null = null;

  @Field(nullable(model(SendMessageRequestDto)), 'Always starts a run; its `run` is ignored.')
  initial_message: SendMessageRequestDto | null = null;

  @Field(integer({ ge: 1 }), 'Maximum number of steps of one run.')
  max_iterations = 500;

  @Field(
    nullable(decimal({ gt: 0 })),
    'Budget in US dollars for all models of the conversation. When it is spent, the run ends with `MaxBudgetReached`.',
  )
  max_budget_per_run: number | null = null;

  @Field(flag(), 'End a run that repeats itself.')
  stuck_detection = true;

  @Field(mapOf(secretSource))
  secrets = new Map<string, object>();

  @Field(flag(), "The secrets of this request are encrypted with the server's key.")
  secrets_encrypted = false;

  @Field(recordOf(text()))
  tool_module_qualnames: Record<string, string> = {};

  @Field(listOf(model(ClientToolSpecDto)))
  client_tools: ClientToolSpecDto[] = [];

  @Field(nullable(model(AgentLaunchAdditionsDto)))
  agent_launch_additions: AgentLaunchAdditionsDto | null = null;

  @Field(listOf(agentDefinition), 'Sub-agents that the agent can delegate tasks to.')
  agent_definitions: AgentDefinitionDto[] = [];

  @Field(nullable(listOf(model(PluginSourceDto))))
  plugins: PluginSourceDto[] | null = null;

  @Field(nullable(hookConfig))
  hook_config: HookConfigDto | null = null;

  @Field(nullable(tags), 'Keys are lower-case alphanumeric; values have at most 256 characters.')
  tags: Record<string, string> | null = {};

  @Field(nullable(text()))
  user_id: string | null = null;

  @Field(recordOf(anything()))
  observability_metadata: JsonObject = {};

  @Field(listOf(text({ min: 1 })))
  observability_tags: string[] = [];

  @Field(text())
  observability_span_name = 'conversation';

  @Field(nullable(text()))
  observability_parent_span_context: string | null = null;

  @Field(flag(), 'Generate a title from the first message.')
  autotitle = true;

  @Field(nullable(text()), "The LLM profile that generates the title; null: the agent's LLM.")
  title_llm_profile: string | null = null;

  @Field(nullable(text({ max: 2000 })), 'The prompt that asks for the title.')
  prompt: string | null = null;

  @Field(nullable(anyObject({ secret: true })), 'Agent settings; used if `agent` is missing.')
  agent_settings: JsonObject | null = null;

  @Field(nullable(uuid()), 'The id of a stored agent profile; excludes `agent` and `agent_settings`.')
  agent_profile_id: string | null = null;

  @Field(nullable(agent))
  agent: object | null = null;

  @Field(nullable(choice(['local', 'docker'])), 'This server only runs local conversations.')
  conversation_runtime: string | null = null;

  @Field(nullable(model(ConversationContainerOptionsDto)))
  container: ConversationContainerOptionsDto | null = null;
}
