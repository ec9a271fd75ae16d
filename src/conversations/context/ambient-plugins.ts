import { skillsOf, texts, type ContextLoader } from '../../agent/skills/index.js';
import type { Plugin } from '../../agent/skills/plugins/index.js';
import type { ConversationState } from '../state/conversation-state.js';

/** What the state of a conversation remembers them by. */
interface AmbientPluginRecord {
  ambient_plugins?: string[];
}

/**
 * The folders of the plugins that nobody named: those that the person keeps for all projects, and, for an
 * agent that is to have the skills of the project, those of the project. Looked for when a conversation is
 * made: what is installed later is for later conversations.
 * @param workspace absolute path
 */
export async function findAmbientPlugins(
  { agent }: ConversationState,
  workspace: string,
  context: ContextLoader,
): Promise<AmbientPluginRecord> {
  if (agent.kind !== 'Agent') return {};
  const wantsProject = agent.agent_context?.['load_project_skills'] === true;
  const [project, user] = await Promise.all([
    wantsProject ? context.projectPlugins(workspace) : [],
    context.userPlugins(),
  ]);
  const ambient_plugins = [...project, ...user];
  return ambient_plugins.length > 0 ? { ambient_plugins } : {};
}

/**
 * Reads the plugins that nobody named. What those of the project would start by themselves is left out where
 * actions are confirmed: whoever changes a repository has nobody's agreement.
 */
export async function readAmbientPlugins(
  state: ConversationState,
  context: ContextLoader,
  owner: string,
): Promise<Plugin[]> {
  const folders = texts(state.rest['ambient_plugins']);
  if (folders.length === 0) return [];
  const plugins = await context.readPlugins(folders, owner);
  if (state.confirmation_policy.kind === 'NeverConfirm') return plugins;
  const ofPerson = new Set(await context.userPlugins());
  return plugins.map((plugin) => (ofPerson.has(plugin.folder) ? plugin : withoutPrograms(plugin)));
}

/** A plugin without what the agent has already under the same names. */
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
