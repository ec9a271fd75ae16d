import { model } from '../../../http/validation/dto.js';
import { Field, NoOtherFields } from '../../../http/validation/field.js';
import {
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
} from '../../../http/validation/field-type.js';
import { valueError } from '../../../http/validation/problem.js';
import { pythonRepr } from '../../../tools/arguments/python-text.js';
import { isJsonObject, type JsonObject } from '../../../json/index.js';
import { AgentDefinitionDto, agentDefinition } from './agent/agent-definition.dto.js';
import { agent } from './agent/any-agent.dto.js';
import { HookConfigDto, hookConfig } from './agent/hook-config.dto.js';
import { SendMessageRequestDto } from './message.dto.js';
import { NeverConfirmDto, confirmationPolicy, secretSource, securityAnalyzer } from './policies.dto.js';
import { tags } from './tags.js';

/** Longer paths are refused by every file system that the server runs on (`PATH_MAX` of Linux). */
const MAX_PATH = 4096;

/** The directory that the agent works in. */
export class LocalWorkspaceDto {
  @Field(
    text({
      max: MAX_PATH,
      check: (path) => (path.includes('\0') ? 'working_dir must not contain null characters' : undefined),
    }),
    'Relative paths are taken from the directory that the server runs in; it is created when missing.',
  )
  working_dir!: string;

  @Field(choice(['LocalWorkspace']))
  kind = 'LocalWorkspace';
}

const workspaceModel = model(LocalWorkspaceDto);
/** A workspace; one of another kind is refused in the words that clients know. */
const workspace: FieldType = {
  ...workspaceModel,
  read: (raw) => (isOfOtherKind(raw) ? raw : workspaceModel.read(raw)),
  problems: (value) =>
    isOfOtherKind(value)
      ? [{ type: 'assertion_error', msg: 'Assertion failed, ', ctx: { error: '' } }]
      : workspaceModel.problems(value),
};

function isOfOtherKind(value: unknown): boolean {
  return isJsonObject(value) && Object.hasOwn(value, 'kind') && value['kind'] !== 'LocalWorkspace';
}

/** How the worktree of a conversation is made. */
@NoOtherFields()
export class ConversationWorktreeOptionsDto {
  @Field(choice(['default_branch', 'head', 'ref']))
  base: 'default_branch' | 'head' | 'ref' = 'default_branch';

  @Field(nullable(text({ pattern: /^[A-Za-z0-9][A-Za-z0-9._/-]*$/ })))
  ref: string | null = null;

  @Field(text({ pattern: /^([A-Za-z0-9][A-Za-z0-9._/-]*)?$/ }))
  branch_prefix = 'openhands/';
}

/** A container for the conversation; this server runs none. */
@NoOtherFields()
export class ConversationContainerOptionsDto {
  @Field(nullable(text({ pattern: /^\d+(\.\d+)? ?[kKmMgGtTpP]?[iI]?[bB]?$/ })))
  memory: string | null = null;

  @Field(nullable(decimal({ ge: 0.01 })))
  cpus: number | null = null;

  @Field(flag())
  browser = true;
}

/** What a launch adds to the agent. */
@NoOtherFields()
export class AgentLaunchAdditionsDto {
  @Field(nullable(text({ max: 32_768 })))
  system_message_suffix_append: string | null = null;

  @Field(nullable(listOf(anyObject())))
  skills: JsonObject[] | null = null;

  @Field(nullable(text({ min: 1 })))
  llm_profile_ref: string | null = null;
}

/** Hints about what a tool does to its surroundings. */
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

/** The JSON schema of a client tool; the wording of the mistake is the original's. */
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

  @Field(toolParameters, 'JSON schema of the arguments.')
  parameters: JsonObject = { type: 'object', properties: {} };

  @Field(nullable(model(ToolAnnotationsDto)))
  annotations: ToolAnnotationsDto | null = null;
}

/** A plugin to load. */
export class PluginSourceDto {
  @Field(text())
  source!: string;

  @Field(nullable(text()))
  ref: string | null = null;

  @Field(nullable(text()))
  repo_path: string | null = null;
}

/** What is needed to start a conversation: an agent (or where to take it from) and a workspace. */
export class StartConversationRequestDto {
  @Field(workspace)
  workspace!: LocalWorkspaceDto;

  @Field(flag(), 'Work in a git worktree of the workspace.')
  worktree = false;

  @Field(nullable(model(ConversationWorktreeOptionsDto)))
  worktree_options: ConversationWorktreeOptionsDto | null = null;

  @Field(
    nullable(uuid()),
    'Of an existing conversation: that one is answered, with 200. Null: the server makes an id.',
  )
  conversation_id: string | null = null;

  @Field(nullable(uuid()))
  parent_conversation_id: string | null = null;

  @Field(confirmationPolicy)
  confirmation_policy: object = new NeverConfirmDto();

  @Field(nullable(securityAnalyzer))
  security_analyzer: object | null = null;

  @Field(
    nullable(model(SendMessageRequestDto)),
    'A first message always starts a run, whatever its `run` says.',
  )
  initial_message: SendMessageRequestDto | null = null;

  @Field(integer({ ge: 1 }), 'Steps that one run may take.')
  max_iterations = 500;

  @Field(
    nullable(decimal({ gt: 0 })),
    'US dollars that all models of the conversation together may cost; then its run ends with `MaxBudgetReached`.',
  )
  max_budget_per_run: number | null = null;

  @Field(flag(), 'End a run that goes in circles.')
  stuck_detection = true;

  @Field(mapOf(secretSource))
  secrets = new Map<string, object>();

  @Field(flag(), 'The secrets of this request are encrypted with the key of the server.')
  secrets_encrypted = false;

  @Field(recordOf(text()))
  tool_module_qualnames: Record<string, string> = {};

  @Field(listOf(model(ClientToolSpecDto)))
  client_tools: ClientToolSpecDto[] = [];

  @Field(nullable(model(AgentLaunchAdditionsDto)))
  agent_launch_additions: AgentLaunchAdditionsDto | null = null;

  @Field(listOf(agentDefinition), 'Sub-agents that the agent may give tasks to.')
  agent_definitions: AgentDefinitionDto[] = [];

  @Field(nullable(listOf(model(PluginSourceDto))))
  plugins: PluginSourceDto[] | null = null;

  @Field(nullable(hookConfig))
  hook_config: HookConfigDto | null = null;

  @Field(nullable(tags), 'Keys are lower-case alphanumeric, values at most 256 characters.')
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

  @Field(flag(), 'Make a title of the first message.')
  autotitle = true;

  @Field(nullable(text()), "The LLM profile that makes it; the agent's LLM where there is none.")
  title_llm_profile: string | null = null;

  @Field(nullable(text({ max: 2000 })), 'How the title is asked for.')
  prompt: string | null = null;

  @Field(
    nullable(anyObject({ secret: true })),
    'An agent as the settings describe it; used when there is no `agent`.',
  )
  agent_settings: JsonObject | null = null;

  @Field(nullable(uuid()), 'A stored agent profile; excludes `agent` and `agent_settings`.')
  agent_profile_id: string | null = null;

  @Field(nullable(agent))
  agent: object | null = null;

  @Field(nullable(choice(['local', 'docker'])), 'This server runs local conversations.')
  conversation_runtime: string | null = null;

  @Field(nullable(model(ConversationContainerOptionsDto)))
  container: ConversationContainerOptionsDto | null = null;
}
