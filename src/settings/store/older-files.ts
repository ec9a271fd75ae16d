import { isJsonObject, type JsonObject } from '../../json/index.js';
import { AGENT_PROFILE_VERSION } from '../agent-profiles/agent-profile.dto.js';
import { AGENT_SETTINGS_VERSION } from '../dto/agent-settings.dto.js';

/**
 * Since this version of agent settings, `mcp_config` contains the servers without an `mcpServers` wrapper.
 */
const BARE_SERVERS_VERSION = 5;
/** Since these versions, `tools` is the complete list; before, some tools had switches of their own. */
const TOOLS_WITHOUT_SWITCHES_VERSION = { settings: 8, profile: 3 };
/** Before this version, agent profiles contained skills. */
const NO_SKILLS_VERSION = 2;
/** The tools of an agent without a list. */
const DEFAULT_TOOLS = ['terminal', 'file_editor', 'task_tracker', 'browser_tool_set'];
const SUB_AGENTS = 'task_tool_set';
const SWITCH_LLM = 'switch_llm';

/** Converts agent settings of an older version. Without a version they count as the oldest. */
export function migrateSettings(stored: JsonObject): JsonObject {
  const version = versionOf(stored, 1);
  if (version >= AGENT_SETTINGS_VERSION) return stored;
  const current = version < TOOLS_WITHOUT_SWITCHES_VERSION.settings ? withTools(stored) : stored;
  const { mcp_config: servers, ...fields } = withoutSwitches(current);
  return {
    ...fields,
    ...(servers !== undefined && {
      mcp_config: version < BARE_SERVERS_VERSION ? bareServers(servers) : servers,
    }),
    schema_version: AGENT_SETTINGS_VERSION,
  };
}

/** Converts an agent profile of an older version. Without a version it counts as current. */
export function migrateProfile(stored: JsonObject): JsonObject {
  const version = versionOf(stored, AGENT_PROFILE_VERSION);
  if (version >= AGENT_PROFILE_VERSION) return stored;
  const isBuiltIn = (stored['agent_kind'] ?? 'openhands') === 'openhands';
  const current = version < TOOLS_WITHOUT_SWITCHES_VERSION.profile && isBuiltIn ? withTools(stored) : stored;
  const { skills, ...fields } = withoutSwitches(current);
  return {
    ...fields,
    ...(version >= NO_SKILLS_VERSION && skills !== undefined && { skills }),
    schema_version: AGENT_PROFILE_VERSION,
  };
}

/** Whether conversion of a profile loses fields. */
export function losesFields(stored: JsonObject): boolean {
  const { skills } = stored;
  return (
    versionOf(stored, AGENT_PROFILE_VERSION) < NO_SKILLS_VERSION && Array.isArray(skills) && skills.length > 0
  );
}

function versionOf({ schema_version: version }: JsonObject, otherwise: number): number {
  return typeof version === 'number' ? version : otherwise;
}

/** An empty list meant the default tools, and every agent could switch models. */
function withTools(stored: JsonObject): JsonObject {
  const { tools, enable_sub_agents: hasSubAgents, enable_switch_llm_tool: switches } = stored;
  const maySwitch = switches !== false;
  if (Array.isArray(tools) && tools.length > 0) {
    const others: unknown[] = tools.filter((tool: unknown) => maySwitch || !isSwitchLlm(tool));
    const added = maySwitch && !others.some(isSwitchLlm) ? [named(SWITCH_LLM)] : [];
    return { ...stored, tools: [...others, ...added] };
  }
  if (tools !== null && tools !== undefined && !Array.isArray(tools)) return stored;
  if (hasSubAgents !== true && maySwitch) return { ...stored, tools: null };
  const names = [
    ...DEFAULT_TOOLS,
    ...(hasSubAgents === true ? [SUB_AGENTS] : []),
    ...(maySwitch ? [SWITCH_LLM] : []),
  ];
  return { ...stored, tools: names.map(named) };
}

function withoutSwitches(stored: JsonObject): JsonObject {
  const { enable_sub_agents: _sub, enable_switch_llm_tool: _switch, ...fields } = stored;
  return fields;
}

function isSwitchLlm(tool: unknown): boolean {
  return isJsonObject(tool) && tool['name'] === SWITCH_LLM;
}

function named(name: string): JsonObject {
  return { name, params: {} };
}

function bareServers(servers: unknown): unknown {
  if (!isJsonObject(servers) || !isJsonObject(servers['mcpServers'])) return servers;
  const { mcpServers: inner, ...beside } = servers;
  return { ...beside, ...inner };
}
