import { isJsonObject, type JsonObject } from '../../json/index.js';
import { AGENT_PROFILE_VERSION } from '../agent-profiles/agent-profile.dto.js';
import { AGENT_SETTINGS_VERSION } from '../dto/agent-settings.dto.js';

/**
 * From this version of agent settings on `mcp_config` has the servers themselves, without `mcpServers` around
 * them.
 */
const BARE_SERVERS = 5;
/** From these versions on `tools` says all, where switches for some tools stood beside it. */
const TOOLS_SAY_ALL = { settings: 8, profile: 3 };
/** Agent profiles had skills of their own before this version. */
const NO_OWN_SKILLS = 2;
/** What an agent had whose tools nobody named. */
const USUAL_TOOLS = ['terminal', 'file_editor', 'task_tracker', 'browser_tool_set'];
const SUB_AGENTS = 'task_tool_set';
const SWITCH = 'switch_llm';

/** Agent settings of an older program as they are said today. Without a version they are the oldest. */
export function currentSettings(stored: JsonObject): JsonObject {
  const version = versionOf(stored, 1);
  if (version >= AGENT_SETTINGS_VERSION) return stored;
  const current = version < TOOLS_SAY_ALL.settings ? withTools(stored) : stored;
  const { mcp_config: servers, ...fields } = withoutSwitches(current);
  return {
    ...fields,
    ...(servers !== undefined && { mcp_config: version < BARE_SERVERS ? bare(servers) : servers }),
    schema_version: AGENT_SETTINGS_VERSION,
  };
}

/** An agent profile of an older program as it is said today. Without a version it is one of today. */
export function currentProfile(stored: JsonObject): JsonObject {
  const version = versionOf(stored, AGENT_PROFILE_VERSION);
  if (version >= AGENT_PROFILE_VERSION) return stored;
  const isOurs = (stored['agent_kind'] ?? 'openhands') === 'openhands';
  const current = version < TOOLS_SAY_ALL.profile && isOurs ? withTools(stored) : stored;
  const { skills, ...fields } = withoutSwitches(current);
  return {
    ...fields,
    ...(version >= NO_OWN_SKILLS && skills !== undefined && { skills }),
    schema_version: AGENT_PROFILE_VERSION,
  };
}

/** Whether a profile says something that has no place in those of today. */
export function losesSomething(stored: JsonObject): boolean {
  const { skills } = stored;
  return (
    versionOf(stored, AGENT_PROFILE_VERSION) < NO_OWN_SKILLS && Array.isArray(skills) && skills.length > 0
  );
}

function versionOf({ schema_version: version }: JsonObject, otherwise: number): number {
  return typeof version === 'number' ? version : otherwise;
}

/** An empty list of tools meant the usual ones, and switching models was a tool of every agent. */
function withTools(stored: JsonObject): JsonObject {
  const { tools, enable_sub_agents: hasSubAgents, enable_switch_llm_tool: switches } = stored;
  const maySwitch = switches !== false;
  if (Array.isArray(tools) && tools.length > 0) {
    const others: unknown[] = tools.filter((tool: unknown) => maySwitch || !isSwitch(tool));
    const added = maySwitch && !others.some(isSwitch) ? [named(SWITCH)] : [];
    return { ...stored, tools: [...others, ...added] };
  }
  if (tools !== null && tools !== undefined && !Array.isArray(tools)) return stored;
  if (hasSubAgents !== true && maySwitch) return { ...stored, tools: null };
  const names = [
    ...USUAL_TOOLS,
    ...(hasSubAgents === true ? [SUB_AGENTS] : []),
    ...(maySwitch ? [SWITCH] : []),
  ];
  return { ...stored, tools: names.map(named) };
}

function withoutSwitches(stored: JsonObject): JsonObject {
  const { enable_sub_agents: _sub, enable_switch_llm_tool: _switch, ...fields } = stored;
  return fields;
}

function isSwitch(tool: unknown): boolean {
  return isJsonObject(tool) && tool['name'] === SWITCH;
}

function named(name: string): JsonObject {
  return { name, params: {} };
}

function bare(servers: unknown): unknown {
  if (!isJsonObject(servers) || !isJsonObject(servers['mcpServers'])) return servers;
  const { mcpServers: inner, ...beside } = servers;
  return { ...beside, ...inner };
}
