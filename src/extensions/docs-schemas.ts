import { condenser } from '../conversations/index.js';
import { type DescribedField, objectSchema, refTo, type JsonSchema } from '../http/index.js';
import { McpServerDto } from '../settings/index.js';
import { CanvasExtensionManifestDto } from './canvas/canvas-manifest.js';

const text: JsonSchema = { type: 'string' };
const flag: JsonSchema = { type: 'boolean' };
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });

type Fields = Readonly<Record<string, DescribedField>>;

const SKILL: Fields = {
  name: [text, 'Name of the skill.'],
  type: [
    { type: 'string', enum: ['repo', 'knowledge', 'agentskills'] },
    '`repo`: always part of the prompt. `knowledge`: added by a trigger. `agentskills`: listed in the prompt, and read when needed.',
  ],
  content: [text, 'Text that the agent gets when the skill is activated, in Markdown.'],
  'triggers?': [list(text), 'Words or paths that activate the skill; empty if there are none.'],
  'source?': [orNull(text), 'Path of the file that the skill comes from; null if it comes from no file.'],
  'description?': [orNull(text), 'What the skill is for; null if its author does not say.'],
  'is_agentskills_format?': [flag, 'Whether it is a skill with a `SKILL.md`.'],
  'disable_model_invocation?': [
    flag,
    'The agent does not see the skill in its prompt; triggers still activate it.',
  ],
};

const servers = { type: 'object', additionalProperties: { $ref: refTo(McpServerDto) } };

const SUB_AGENT: Fields = {
  name: [text, 'Name by which an agent selects this sub-agent.'],
  'description?': [text, 'What the sub-agent is for.'],
  'model?': [text, 'Name of an LLM profile; `inherit`: the model of the agent that delegates.'],
  'color?': [orNull(text), 'Colour in which user interfaces show it; null: none.'],
  'tools?': [list(text), 'Names of its tools.'],
  'skills?': [list(text), 'Names of its skills.'],
  'system_prompt?': [text, 'Describes its role in its system prompt.'],
  'when_to_use_examples?': [list(text), 'Examples of tasks for it, also those in its description.'],
  'permission_mode?': [
    orNull(text),
    'When it must ask for confirmation: always_confirm, never_confirm or confirm_risky; null: as the conversation says.',
  ],
  'max_iteration_per_run?': [
    orNull({ type: 'integer' }),
    'Maximum number of steps of one task; null: that of the conversation.',
  ],
  'max_budget_per_run?': [
    orNull({ type: 'number' }),
    'Budget of one task in US dollars; null: no limit of its own.',
  ],
  'mcp_config?': [orNull(servers), 'Its own MCP servers by name, with secrets masked; null: none.'],
  'mcp_servers?': [{ ...orNull(servers), deprecated: true }, 'The same as `mcp_config`, for older clients.'],
  'profile_store_dir?': [
    orNull(text),
    'Folder of LLM profiles, as its file says; null: none. Not used by this server.',
  ],
  'hooks?': [
    orNull(ref('HookConfig')),
    'Tool hooks that run in addition to those of the conversation; null: none.',
  ],
  'condenser?': [
    orNull(condenser.schema()),
    'When and how old events of a task are replaced by summaries, with secrets masked; null: not at all.',
  ],
  'metadata?': [
    { type: 'object', additionalProperties: true },
    'Further properties that its file has, with secrets masked.',
  ],
  'level?': [
    orNull({ type: 'string', enum: ['project', 'user', 'builtin', 'plugin', 'programmatic'] }),
    'Where it comes from; null: unknown.',
  ],
  'source?': [orNull(text), 'Path of the file that it comes from; null for built-in sub-agents.'],
  'is_builtin?': [flag, 'Whether the server brings it.'],
};

const BACKEND: Fields = {
  name: [text, 'Name of the extension.'],
  state: [
    {
      type: 'string',
      enum: ['missing', 'stopped', 'starting', 'ready', 'unhealthy', 'unsupported'],
    },
    '`missing`: the extension is not installed or its manifest is invalid. `unsupported`: it has no back end, or none for ' +
      'this platform. `unhealthy`: the back end failed or does not answer its health check.',
  ],
  'revision?': [
    orNull(text),
    'Installed version: a commit, or the digest of the manifest. Null if `missing`.',
  ],
  'prepared_revision?': [orNull(text), 'Version that a user has approved; null: none.'],
  'pid?': [orNull({ type: 'integer' }), 'Id of the process of the back end; null if it does not run.'],
  'port?': [
    orNull({ type: 'integer' }),
    'Port at which the back end listens on this machine; null if it does not run.',
  ],
  'detail?': [orNull(text), 'Why it is in this state, if something is wrong; null otherwise.'],
};

const OFFERED: Fields = {
  name: [text, 'Name in the marketplace.'],
  description: [orNull(text), 'What it is for; null if the marketplace does not say.'],
  source: [text, 'Source for an installation.'],
  installed: [flag, 'Whether an extension with this name is installed.'],
};
const PLUGIN_OFFERED: Fields = {
  'ref?': [orNull(text), 'Branch, tag or commit of the source; null: its default.'],
  'repo_path?': [orNull(text), 'Folder of the plugin inside the source; null: the source itself.'],
  'path?': [orNull(text), 'Absolute path of the local copy.'],
  'skills?': [orNull(list(ref('PluginSkillSummary'))), 'Skills and commands of the plugin; null if unknown.'],
  'files?': [
    orNull(list(text)),
    'Paths of its files, relative to the plugin, at most 2,000; null if unknown.',
  ],
};
const PLUGIN: Fields = {
  name: [text, 'Name of the plugin.'],
  'version?': [text, 'Version in the manifest of the plugin.'],
  'description?': [text, 'What the plugin is for, as its manifest says.'],
  'path?': [text, 'Absolute path of the folder of the plugin.'],
  'skills?': [list(ref('PluginSkillSummary')), 'Skills and commands of the plugin.'],
  'files?': [list(text), 'Paths of its files, relative to the plugin, at most 2,000.'],
};

const INSTALLED: Fields = {
  name: [text, 'Name under which it is installed.'],
  'version?': [text, 'Version in its manifest; `1.0.0` if it has none.'],
  'description?': [text, 'What it is for; empty if unknown.'],
  'enabled?': [flag, 'Whether it is used; false keeps it installed without effect.'],
  source: [text, 'Where it was installed from, with passwords masked.'],
  'resolved_ref?': [orNull(text), 'Installed commit; null if the source is not a repository.'],
  'repo_path?': [orNull(text), 'Folder inside the source; null: the source itself.'],
  installed_at: [text, 'Time of the installation in UTC, with microseconds.'],
  install_path: [text, 'Absolute path of the installed copy.'],
};

const MESSAGE = 'What was done, for people.';

/**
 * The schemas of one kind of extension.
 * @param field name of the extension in the response of a refresh; undefined if there is none
 */
function installed(kind: string, field: string | undefined, more: Fields): Record<string, JsonSchema> {
  return {
    [`Installed${kind}Response`]: objectSchema({ ...INSTALLED, ...more }),
    [`Update${kind}StateResponse`]: objectSchema({
      name: [text, 'Name of the extension.'],
      enabled: [flag, 'Whether it is used from now on.'],
    }),
    [`Uninstall${kind}Response`]: objectSchema({ message: [text, MESSAGE] }),
    ...(field !== undefined && {
      [`Update${kind}Response`]: objectSchema({
        message: [text, MESSAGE],
        [field]: [ref(`Installed${kind}Response`), 'The extension as it is installed now.'],
      }),
    }),
  };
}

/** Response schemas of the extension routes for the API document. */
export function extensionSchemas(): Record<string, JsonSchema> {
  return {
    SkillInfo: objectSchema(SKILL),
    SkillsResponse: objectSchema({
      skills: [list(ref('SkillInfo')), 'The skills; of several with the same name only the one that counts.'],
      'sources?': [
        { type: 'object', additionalProperties: { type: 'integer' } },
        'Number of skills by source: `sandbox`, `registered_marketplaces`, `sdk_base` (public and user), `org` and `project`.',
      ],
    }),
    SkillCatalogEntry: objectSchema({
      ...SKILL,
      origin: [
        { type: 'string', enum: ['public', 'user'] },
        'Whether the skill is of the public repository or of the user.',
      ],
    }),
    SkillCatalogResponse: objectSchema({
      skills: [list(ref('SkillCatalogEntry')), 'Public skills and those of the user.'],
    }),
    ...installed('Skill', 'skill', {}),
    ...installed('Plugin', 'plugin', {
      'skills?': [
        orNull(list(ref('PluginSkillSummary'))),
        'Skills and commands of the plugin; null if its manifest was damaged after the installation.',
      ],
      'files?': [
        orNull(list(text)),
        'Paths of its files, at most 2,000; null if its manifest was damaged after the installation.',
      ],
    }),
    ...installed('CanvasExtension', undefined, {
      'requested_ref?': [orNull(text), 'Branch, tag or commit that was asked for; null: the default one.'],
      'manifest?': [
        orNull({ $ref: refTo(CanvasExtensionManifestDto) }),
        'Manifest of the extension; null if it was damaged after the installation.',
      ],
    }),
    InstalledSkillsListResponse: objectSchema({
      skills: [list(ref('InstalledSkillResponse')), 'Installed skills in the order of their installation.'],
    }),
    InstalledPluginsListResponse: objectSchema({
      plugins: [
        list(ref('InstalledPluginResponse')),
        'Installed plugins in the order of their installation.',
      ],
    }),
    InstalledCanvasExtensionsListResponse: objectSchema({
      canvas_extensions: [
        list(ref('InstalledCanvasExtensionResponse')),
        'Installed canvas extensions in the order of their installation.',
      ],
    }),
    SyncResponse: objectSchema({
      status: [{ type: 'string', enum: ['success', 'error'] }, 'Whether the repository was fetched.'],
      message: [text, 'The result for people; for `error` the reason.'],
    }),
    MarketplaceSkillInfo: objectSchema(OFFERED),
    SkillMarketplaceResponse: objectSchema({
      skills: [list(ref('MarketplaceSkillInfo')), 'Skills that the local marketplaces offer.'],
    }),
    MarketplacePluginInfo: objectSchema({ ...OFFERED, ...PLUGIN_OFFERED }),
    PluginMarketplaceResponse: objectSchema({
      plugins: [list(ref('MarketplacePluginInfo')), 'Plugins that the local marketplaces offer.'],
    }),
    PluginInfo: objectSchema(PLUGIN),
    PluginsResponse: objectSchema({
      plugins: [
        list(ref('PluginInfo')),
        'The plugins; of several with the same name only the one that counts.',
      ],
    }),
    FetchPluginResponse: objectSchema({
      path: [text, 'Absolute path of the fetched copy.'],
      resolved_ref: [orNull(text), 'Fetched commit; null if the source is not a repository.'],
      source: [text, 'Where it was fetched from.'],
      repo_path: [orNull(text), 'Folder inside the source; null: the source itself.'],
      manifest: [
        { type: 'object', additionalProperties: true },
        'Manifest of the plugin, as its author wrote it.',
      ],
      skills: [list(text), 'Names of the skills of the plugin.'],
      commands: [list(text), 'Names of the commands of the plugin.'],
    }),
    BackendStatus: objectSchema(BACKEND),
    AppBackendSessionResponse: objectSchema({
      ingress_url: [text, 'URL of the pages of the extension, to be opened in a frame.'],
      expires_at: [{ ...text, format: 'date-time' }, 'Time in UTC when the session ends.'],
      'iframe_sandbox?': [text, 'Value for the attribute `sandbox` of the frame.'],
    }),
    BackendLogs: objectSchema({
      name: [text, 'Name of the extension.'],
      logs: [text, 'The last output of the back end since its latest start.'],
      truncated: [flag, 'Whether there was more output than this.'],
    }),
    PluginSkillSummary: objectSchema({
      name: [text, 'Name of the skill or the command.'],
      'description?': [orNull(text), 'What it is for; null if its author does not say.'],
    }),
    SubAgentInfo: objectSchema(SUB_AGENT),
    SubAgentsResponse: objectSchema({
      agents: [
        list(ref('SubAgentInfo')),
        'The sub-agents; of several with the same name only the one that counts.',
      ],
    }),
    HooksResponse: objectSchema({
      'hook_config?': [
        orNull(ref('HookConfig')),
        'The hooks of the project; null if it has none, or if its file is invalid.',
      ],
    }),
  };
}
