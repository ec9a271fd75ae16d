import { condenser } from '../conversations/index.js';
import { refTo, type JsonSchema } from '../http/index.js';
import { McpServerDto } from '../settings/index.js';
import { CanvasExtensionManifestDto } from './canvas/canvas-manifest.js';

const text: JsonSchema = { type: 'string' };
const flag: JsonSchema = { type: 'boolean' };
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });

/** An object schema whose fields are required, except the optional ones. */
function object(properties: Record<string, JsonSchema>, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required };
}

const SKILL = {
  name: text,
  type: { type: 'string', enum: ['repo', 'knowledge', 'agentskills'] },
  content: text,
  triggers: list(text),
  source: orNull(text),
  description: orNull(text),
  is_agentskills_format: flag,
  disable_model_invocation: flag,
};
const SKILL_OPTIONAL = [
  'triggers',
  'source',
  'description',
  'is_agentskills_format',
  'disable_model_invocation',
];

const SUB_AGENT = {
  name: text,
  description: text,
  model: text,
  color: orNull(text),
  tools: list(text),
  skills: list(text),
  system_prompt: text,
  when_to_use_examples: list(text),
  permission_mode: orNull(text),
  max_iteration_per_run: orNull({ type: 'integer' }),
  max_budget_per_run: orNull({ type: 'number' }),
  mcp_config: orNull({ type: 'object', additionalProperties: { $ref: refTo(McpServerDto) } }),
  mcp_servers: {
    ...orNull({ type: 'object', additionalProperties: { $ref: refTo(McpServerDto) } }),
    deprecated: true,
  },
  profile_store_dir: orNull(text),
  hooks: orNull(ref('HookConfig')),
  condenser: orNull(condenser.schema()),
  metadata: { type: 'object', additionalProperties: true },
  level: orNull({ type: 'string', enum: ['project', 'user', 'builtin', 'plugin', 'programmatic'] }),
  source: orNull(text),
  is_builtin: flag,
};

const BACKEND = {
  name: text,
  state: {
    type: 'string',
    enum: ['missing', 'stopped', 'starting', 'ready', 'unhealthy', 'unsupported'],
  },
  revision: orNull(text),
  prepared_revision: orNull(text),
  pid: orNull({ type: 'integer' }),
  port: orNull({ type: 'integer' }),
  detail: orNull(text),
};

const OFFERED = { name: text, description: orNull(text), source: text, installed: flag };
const PLUGIN_OFFERED = {
  ref: orNull(text),
  repo_path: orNull(text),
  path: orNull(text),
  skills: orNull(list(ref('PluginSkillSummary'))),
  files: orNull(list(text)),
};
const PLUGIN = {
  name: text,
  version: text,
  description: text,
  path: text,
  skills: list(ref('PluginSkillSummary')),
  files: list(text),
};

const INSTALLED = {
  name: text,
  version: text,
  description: text,
  enabled: flag,
  source: text,
  resolved_ref: orNull(text),
  repo_path: orNull(text),
  installed_at: text,
  install_path: text,
};
const INSTALLED_OPTIONAL = ['version', 'description', 'enabled', 'resolved_ref', 'repo_path'];

/**
 * The schemas of one kind of extension.
 * @param field name of the extension in the response of a refresh; undefined if there is none
 */
function installed(
  kind: string,
  field: string | undefined,
  more: Record<string, JsonSchema>,
): Record<string, JsonSchema> {
  const optional = [...INSTALLED_OPTIONAL, ...Object.keys(more)];
  return {
    [`Installed${kind}Response`]: object({ ...INSTALLED, ...more }, optional),
    [`Update${kind}StateResponse`]: object({ name: text, enabled: flag }),
    [`Uninstall${kind}Response`]: object({ message: text }),
    ...(field !== undefined && {
      [`Update${kind}Response`]: object({ message: text, [field]: ref(`Installed${kind}Response`) }),
    }),
  };
}

/** Response schemas of the extension routes for the API document. */
export function extensionSchemas(): Record<string, JsonSchema> {
  return {
    SkillInfo: object(SKILL, SKILL_OPTIONAL),
    SkillsResponse: object(
      {
        skills: list(ref('SkillInfo')),
        sources: { type: 'object', additionalProperties: { type: 'integer' } },
      },
      ['sources'],
    ),
    SkillCatalogEntry: object(
      { ...SKILL, origin: { type: 'string', enum: ['public', 'user'] } },
      SKILL_OPTIONAL,
    ),
    SkillCatalogResponse: object({ skills: list(ref('SkillCatalogEntry')) }),
    ...installed('Skill', 'skill', {}),
    ...installed('Plugin', 'plugin', {
      skills: orNull(list(ref('PluginSkillSummary'))),
      files: orNull(list(text)),
    }),
    ...installed('CanvasExtension', undefined, {
      requested_ref: orNull(text),
      manifest: orNull({ $ref: refTo(CanvasExtensionManifestDto) }),
    }),
    InstalledSkillsListResponse: object({ skills: list(ref('InstalledSkillResponse')) }),
    InstalledPluginsListResponse: object({ plugins: list(ref('InstalledPluginResponse')) }),
    InstalledCanvasExtensionsListResponse: object({
      canvas_extensions: list(ref('InstalledCanvasExtensionResponse')),
    }),
    SyncResponse: object({ status: { type: 'string', enum: ['success', 'error'] }, message: text }),
    MarketplaceSkillInfo: object(OFFERED),
    SkillMarketplaceResponse: object({ skills: list(ref('MarketplaceSkillInfo')) }),
    MarketplacePluginInfo: object({ ...OFFERED, ...PLUGIN_OFFERED }, Object.keys(PLUGIN_OFFERED)),
    PluginMarketplaceResponse: object({ plugins: list(ref('MarketplacePluginInfo')) }),
    PluginInfo: object(PLUGIN, ['version', 'description', 'path', 'skills', 'files']),
    PluginsResponse: object({ plugins: list(ref('PluginInfo')) }),
    FetchPluginResponse: object({
      path: text,
      resolved_ref: orNull(text),
      source: text,
      repo_path: orNull(text),
      manifest: { type: 'object', additionalProperties: true },
      skills: list(text),
      commands: list(text),
    }),
    BackendStatus: object(BACKEND, ['revision', 'prepared_revision', 'pid', 'port', 'detail']),
    AppBackendSessionResponse: object(
      { ingress_url: text, expires_at: { ...text, format: 'date-time' }, iframe_sandbox: text },
      ['iframe_sandbox'],
    ),
    BackendLogs: object({ name: text, logs: text, truncated: flag }),
    PluginSkillSummary: object({ name: text, description: orNull(text) }, ['description']),
    SubAgentInfo: object(
      SUB_AGENT,
      Object.keys(SUB_AGENT).filter((name) => name !== 'name'),
    ),
    SubAgentsResponse: object({ agents: list(ref('SubAgentInfo')) }),
    HooksResponse: object({ hook_config: orNull(ref('HookConfig')) }, ['hook_config']),
  };
}
