import { skillsOf, stringsIn, type ContextLoader, type Plugin } from '../../agent/index.js';
import type { ConversationState } from '../state/conversation-state.js';

/** The field of the state that stores their folders. */
interface AmbientPluginRecord {
  ambient_plugins?: string[];
}

/**
 * Finds ambient plugins, which are loaded without being requested: those of the user, and those of the
 * project if the agent loads project skills. Called when a conversation is created: plugins that are
 * installed later only affect later conversations.
 * @param workspace absolute path
 */
export async function findAmbientPlugins(
  { agent }: ConversationState,
  workspace: string,
  context: ContextLoader,
): Promise<AmbientPluginRecord> {
  if (agent.kind !== 'Agent') return {};
  const loadsProject = agent.agent_context?.['load_project_skills'] === true;
  const [project, user] = await Promise.all([
    loadsProject ? context.projectPlugins(workspace) : [],
    context.userPlugins(),
  ]);
  const ambient_plugins = [...project, ...user];
  return ambient_plugins.length > 0 ? { ambient_plugins } : {};
}

/**
 * Reads the ambient plugins. If the conversation confirms actions, plugins of the project lose everything
 * that starts programs: nobody has approved the content of a repository.
 */
export async function readAmbientPlugins(
  state: ConversationState,
  context: ContextLoader,
  owner: string,
): Promise<Plugin[]> {
  const folders = stringsIn(state.rest['ambient_plugins']);
  if (folders.length === 0) return [];
  const plugins = await context.readPlugins(folders, owner);
  if (state.confirmation_policy.kind === 'NeverConfirm') return plugins;
  const userFolders = new Set(await context.userPlugins());
  return plugins.map((plugin) => (userFolders.has(plugin.folder) ? plugin : withoutPrograms(plugin)));
}

/** Removes skills and MCP servers whose names the agent already has. */
export function withoutKnownParts({ agent }: ConversationState, plugin: Plugin): Plugin {
  const skills = new Set(skillsOf(agent).map(({ name }) => name));
  const servers = Object.entries(plugin.mcpServers).filter(
    ([name]) => !Object.hasOwn(agent.mcp_config, name),
  );
  return {
    ...plugin,
    skills: plugin.skills.filter(({ name }) => !skills.has(name)),
    mcpServers: Object.fromEntries(servers),
  };
}

function withoutPrograms(plugin: Plugin): Plugin {
  return { ...plugin, hooks: undefined, mcpServers: {}, agents: plugin.agents.map(withoutAgentPrograms) };
}

function withoutAgentPrograms(agent: Plugin['agents'][number]): Plugin['agents'][number] {
  const { hooks: _hooks, mcp_config: _servers, permission_mode: _mode, ...rest } = agent;
  return rest;
}
