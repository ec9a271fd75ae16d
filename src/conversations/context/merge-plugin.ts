import { skillsOf, type Skill, type Plugin } from '../../agent/index.js';
import { errorMessage } from '../../errors/index.js';
import { utcTimestamp } from '../../events/index.js';
import { readChecked, toPlain } from '../../http/index.js';
import type { ConversationState } from '../state/conversation-state.js';
import { AgentContextDto } from '../../settings/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../json/index.js';
import { hookConfig } from '../api/dto/agent/hook-config.dto.js';

const HOOKS = ['pre_tool_use', 'post_tool_use', 'user_prompt_submit', 'session_start', 'session_end', 'stop'];

/**
 * Adds a plugin to a conversation. Its skills and MCP servers replace those with the same names, its hooks
 * run after the existing ones, and its sub-agents do not replace existing ones. A plugin that is already
 * loaded changes nothing.
 */
export function mergePlugin(
  state: ConversationState,
  plugin: Plugin,
  warn: (file: string, problem: string) => void,
): void {
  const loaded = textsIn(state.rest['loaded_plugins']);
  if (loaded.includes(plugin.folder)) return;
  const { agent } = state;
  const context = agent.agent_context ?? emptyContext();
  const disabled = textsIn(context['disabled_skills']);
  const added = plugin.skills.filter(({ name }) => !disabled.includes(name));
  const skills = replaceByName(skillsOf({ agent_context: context }), added);
  state.agent = {
    ...agent,
    mcp_config: { ...agent.mcp_config, ...plugin.mcpServers },
    agent_context: { ...context, skills },
  };
  state.hook_config = mergeHooks(state.hook_config, plugin, warn);
  state.rest = {
    ...state.rest,
    loaded_plugins: [...loaded, plugin.folder],
    agent_definitions: mergeAgents(state.rest['agent_definitions'], plugin.agents),
  };
}

function replaceByName(skills: readonly Skill[], others: readonly Skill[]): Skill[] {
  const byName = new Map(skills.map((skill) => [skill.name, skill]));
  for (const skill of others) byName.set(skill.name, skill);
  return [...byName.values()];
}

function mergeHooks(
  config: JsonObject | null,
  { hooks, folder }: Plugin,
  warn: (file: string, problem: string) => void,
): JsonObject | null {
  if (!isJsonObject(hooks)) return config;
  try {
    const added = toPlain(readChecked(hookConfig, knownHooks(hooks), ['hooks']));
    if (!isJsonObject(added)) return config;
    return Object.fromEntries(
      HOOKS.map((name) => [name, [...listIn(config?.[name]), ...listIn(added[name])]]),
    );
  } catch (error) {
    warn(`${folder}/hooks/hooks.json`, errorMessage(error));
    return config;
  }
}

/** Leaves out hook events that this server does not know. */
function knownHooks(hooks: JsonObject): JsonObject {
  const inner = isJsonObject(hooks['hooks']) ? hooks['hooks'] : hooks;
  const named = Object.entries(inner).map(([name, value]) => [snakeCase(name), value] as const);
  return Object.fromEntries(named.filter(([name]) => HOOKS.includes(name)));
}

function snakeCase(name: string): string {
  return name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

function mergeAgents(known: unknown, added: readonly JsonObject[]): unknown[] {
  const list = listIn(known);
  const names = new Set(list.map((agent) => (isJsonObject(agent) ? agent['name'] : undefined)));
  return [...list, ...added.filter((agent) => !names.has(agent['name']))];
}

function emptyContext(): JsonObject {
  return { ...asJsonObject(toPlain(new AgentContextDto())), current_datetime: utcTimestamp() };
}

function listIn(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function textsIn(value: unknown): string[] {
  return listIn(value).filter((item): item is string => typeof item === 'string');
}
