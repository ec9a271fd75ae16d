import {
  model,
  Field,
  NoOtherFields,
  type FieldType,
  anyObject,
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
import { observabilityMetadata, observabilitySpanName, observabilityTags } from './observability-fields.js';
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
    'Folder in which the agent works. A relative path is resolved against the folder of the server. Created ' +
      'if it does not exist.',
  )
  working_dir!: string;

  @Field(
    choice(['LocalWorkspace']),
    'Marks a folder on the machine of the server, the only kind of workspace here.',
  )
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
  @Field(
    choice(['default_branch', 'head', 'ref']),
    'Where the branch of the worktree starts: at the default branch of the repository, at the checked-out ' +
      'commit (`head`), or at `ref`.',
  )
  base: 'default_branch' | 'head' | 'ref' = 'default_branch';

  @Field(
    nullable(text({ pattern: /^[A-Za-z0-9][A-Za-z0-9._/-]*$/ })),
    'Branch, tag or commit at which the branch starts; required if `base` is `ref`, unused otherwise.',
  )
  ref: string | null = null;

  @Field(text({ pattern: /^([A-Za-z0-9][A-Za-z0-9._/-]*)?$/ }), 'Prefix of the name of the new branch.')
  branch_prefix = 'openhands/';
}

/** Accepted for compatibility: this server runs no containers. */
@NoOtherFields()
class ConversationContainerOptionsDto {
  @Field(
    nullable(text({ pattern: /^\d+(\.\d+)? ?[kKmMgGtTpP]?[iI]?[bB]?$/ })),
    'Memory of the container, such as `2g`. Has no effect: this server runs no containers.',
  )
  memory: string | null = null;

  @Field(
    nullable(decimal({ ge: 0.01 })),
    'Processors of the container. Has no effect: this server runs no containers.',
  )
  cpus: number | null = null;

  @Field(flag(), 'Whether the container has a browser. Has no effect: this server runs no containers.')
  browser = true;
}

/** Additions to the agent of a profile. */
@NoOtherFields()
class AgentLaunchAdditionsDto {
  @Field(
    nullable(text({ max: 32_768 })),
    'Text that is added to the system prompt after that of the profile; null: none.',
  )
  system_message_suffix_append: string | null = null;

  @Field(nullable(listOf(anyObject())), 'Skills in addition to those of the profile; null: none.')
  skills: JsonObject[] | null = null;

  @Field(
    nullable(text({ min: 1 })),
    'Name of the LLM profile to use in place of the one of the profile; null: that of the profile.',
  )
  llm_profile_ref: string | null = null;
}

/** Hints about the effects of a tool. */
export class ToolAnnotationsDto {
  @Field(nullable(text()), 'Name of the tool for people; null: none.')
  title: string | null = null;

  @Field(flag(), 'The tool changes nothing in its environment.')
  readOnlyHint = false;

  @Field(flag(), 'The tool may delete or overwrite something. Only matters if it is not read-only.')
  destructiveHint = true;

  @Field(
    flag(),
    'A second call with the same arguments changes nothing more. Only matters if it is not read-only.',
  )
  idempotentHint = false;

  @Field(flag(), 'The tool reaches things outside of the machine, such as web pages.')
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
  @Field(text(), 'Name by which the model calls the tool. No tool of this server may have it.')
  name!: string;

  @Field(text(), 'Tells the model what the tool does and when to use it.')
  description!: string;

  @Field(toolParameters, 'JSON schema of the arguments; its `type` must be `object`.')
  parameters: JsonObject = { type: 'object', properties: {} };

  @Field(nullable(model(ToolAnnotationsDto)), 'Hints about the effects of the tool; null: none.')
  annotations: ToolAnnotationsDto | null = null;
}

/** A plugin to load. */
class PluginSourceDto {
  @Field(
    text(),
    'Where the plugin is: a path on the server, a `file://` URL, `github:owner/repository`, or an address ' +
      'that git can fetch.',
  )
  source!: string;

  @Field(nullable(text()), 'Branch, tag or commit of the repository; null: its default branch.')
  ref: string | null = null;

  @Field(nullable(text()), 'Folder of the plugin inside of the source; null: the source itself.')
  repo_path: string | null = null;
}

/** A request for a new conversation. Needs a workspace and an agent, agent settings or an agent profile. */
export class StartConversationRequestDto {
  @Field(workspace, 'The folder in which the agent works.')
  workspace!: LocalWorkspaceDto;

  @Field(
    flag(),
    'Work in a new git worktree of the workspace, if it is in a repository, instead of the workspace itself.',
  )
  worktree = false;

  @Field(
    nullable(model(ConversationWorktreeOptionsDto)),
    'Where the branch of the worktree starts and how it is called; null: at the checked-out commit.',
  )
  worktree_options: ConversationWorktreeOptionsDto | null = null;

  @Field(
    nullable(uuid()),
    'Id of the conversation. If one with this id exists, it is returned with status 200. Null: the server ' +
      'generates an id.',
  )
  conversation_id: string | null = null;

  @Field(
    nullable(uuid()),
    'Conversation of which this one is a child; it then lists this one in `sub_conversation_ids`. Null: none.',
  )
  parent_conversation_id: string | null = null;

  @Field(confirmationPolicy, 'Before which actions the agent waits for a confirmation.')
  confirmation_policy: object = new NeverConfirmDto();

  @Field(nullable(securityAnalyzer), 'How the risk of actions is assessed; null: not at all.')
  security_analyzer: object | null = null;

  @Field(
    nullable(model(SendMessageRequestDto)),
    'First message, which always starts a run; its `run` is ignored. Null: none.',
  )
  initial_message: SendMessageRequestDto | null = null;

  @Field(integer({ ge: 1 }), 'Maximum number of steps of one run.')
  max_iterations = 500;

  @Field(
    nullable(decimal({ gt: 0 })),
    'Budget in US dollars for all models of the conversation. When it is spent, the run ends with ' +
      '`MaxBudgetReached`. Null: no limit.',
  )
  max_budget_per_run: number | null = null;

  @Field(
    nullable(choice(['off', 'guarded', 'workspace'])),
    'Sandbox of the programs of this conversation, if it shall be stricter than that of the server; a looser one has ' +
      'no effect. Null: that of the server.',
  )
  sandbox: string | null = null;

  @Field(flag(), 'End a run that repeats itself.')
  stuck_detection = true;

  @Field(
    mapOf(secretSource),
    'Secrets by name. A command that contains the name gets the value as an environment variable.',
  )
  secrets = new Map<string, object>();

  @Field(flag(), "The secrets of this request are encrypted with the server's key.")
  secrets_encrypted = false;

  @Field(
    recordOf(text()),
    'Python modules of tools by name, for Python clients. Stored and shown; this server does not import them.',
  )
  tool_module_qualnames: Record<string, string> = {};

  @Field(listOf(model(ClientToolSpecDto)), 'Tools that the client executes when the agent calls them.')
  client_tools: ClientToolSpecDto[] = [];

  @Field(
    nullable(model(AgentLaunchAdditionsDto)),
    'Additions to the agent of `agent_profile_id`; null: none.',
  )
  agent_launch_additions: AgentLaunchAdditionsDto | null = null;

  @Field(listOf(agentDefinition), 'Sub-agents that the agent can delegate tasks to.')
  agent_definitions: AgentDefinitionDto[] = [];

  @Field(
    nullable(listOf(model(PluginSourceDto))),
    'Plugins that are loaded before the first step; null: none.',
  )
  plugins: PluginSourceDto[] | null = null;

  @Field(nullable(hookConfig), 'Commands that run at fixed moments, such as before a tool call; null: none.')
  hook_config: HookConfigDto | null = null;

  @Field(
    nullable(tags),
    'Labels of the conversation. Keys are lower-case alphanumeric; values have at most 256 characters. Null: ' +
      'none.',
  )
  tags: Record<string, string> | null = {};

  @Field(nullable(text()), 'Id of the user in the system of the client, for traces. Not shown.')
  user_id: string | null = null;

  @Field(
    observabilityMetadata,
    'Properties of the traces of its runs: scalars, and lists of one type. Without traces (see the guide about ' +
      'them) they are only stored. Null: none.',
  )
  observability_metadata: JsonObject = {};

  @Field(observabilityTags, 'Labels of the traces of its runs. Null: none.')
  observability_tags: string[] = [];

  @Field(
    observabilitySpanName,
    'Name of the spans of its runs: at most 128 letters, digits and `._:/-`. Null or `conversation`: the usual name.',
  )
  observability_span_name = 'conversation';

  @Field(
    nullable(text()),
    'Span to which the traces of its runs belong, as a JSON object with `trace_id` and `span_id` (UUIDs). ' +
      'Null, or anything else: none.',
  )
  observability_parent_span_context: string | null = null;

  @Field(flag(), 'Generate a title from the first message.')
  autotitle = true;

  @Field(nullable(text()), "Name of the LLM profile that generates the title; null: the agent's own model.")
  title_llm_profile: string | null = null;

  @Field(nullable(text({ max: 2000 })), 'Prompt that asks for the title; null: the default one.')
  prompt: string | null = null;

  @Field(
    nullable(anyObject({ secret: true })),
    'Settings of an agent, from which it is created; used if `agent` is missing. Null: none.',
  )
  agent_settings: JsonObject | null = null;

  @Field(
    nullable(text()),
    'Name of a stored LLM profile, whose model the agent of `agent_settings` uses in place of ' +
      '`agent_settings.llm`; so no client needs to know its key. Null: none.',
  )
  llm_profile_ref: string | null = null;

  @Field(nullable(uuid()), 'Id of a stored agent profile; excludes `agent` and `agent_settings`. Null: none.')
  agent_profile_id: string | null = null;

  @Field(
    nullable(agent),
    'The agent with its model and tools; null if it comes from `agent_settings` or a profile.',
  )
  agent: object | null = null;

  @Field(
    nullable(choice(['local', 'docker'])),
    'Where commands are executed. This server only runs `local` conversations. Null: `local`.',
  )
  conversation_runtime: string | null = null;

  @Field(
    nullable(model(ConversationContainerOptionsDto)),
    'Options of the container of a conversation. Has no effect: this server runs no containers.',
  )
  container: ConversationContainerOptionsDto | null = null;
}
