import { skillsOf, texts, type ContextLoader } from '../../agent/skills/index.js';
import type { Plugin } from '../../agent/skills/plugins/index.js';
import type { ConversationState } from '../conversation-state.js';

/** What the state remembers them by: a plugin that is installed later is for later conversations. */
const REMEMBERED = 'ambient_plugins';

/**
 * Reads the plugins that nobody named: those that the person keeps for all projects, and, for an agent that is to have
 * the skills of the project, those of the project. What those of the project would start by themselves is left out where
 * actions are confirmed: whoever changes a repository has nobody's agreement.
 * @param workspace absolute path
 */
export async function readAmbientPlugins(
  state: ConversationState,
  workspace: string,
  context: ContextLoader,
  owner: string,
): Promise<Plugin[]> {
  if (state.agent.kind !== 'Agent') return [];
  const ofProject = await context.projectPlugins(workspace);
  const folders = isNew(state) ? await foldersOf(state, ofProject, context) : texts(state.rest[REMEMBERED]);
  if (folders.length === 0) return [];
  state.rest = { ...state.rest, [REMEMBERED]: folders };
  const plugins = await context.readPlugins(folders, owner);
  const isTrusted = state.confirmation_policy.kind === 'NeverConfirm';
  return plugins.map((plugin) =>
    ofProject.includes(plugin.folder) && !isTrusted ? withoutPrograms(plugin) : plugin,
  );
}

/** A plugin without what the agent has already under the same names. */
export function besides({ agent }: ConversationState, plugin: Plugin): Plugin {
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

function isNew({ rest, last_user_message_id }: ConversationState): boolean {
  return rest[REMEMBERED] === undefined && last_user_message_id === null;
}

async function foldersOf(
  { agent }: ConversationState,
  ofProject: readonly string[],
  context: ContextLoader,
): Promise<string[]> {
  const wanted = agent.agent_context?.['load_project_skills'] === true ? ofProject : [];
  return [...wanted, ...(await context.userPlugins())];
}

function withoutPrograms(plugin: Plugin): Plugin {
  return { ...plugin, hooks: undefined, mcpServers: {}, agents: plugin.agents.map(withoutStarts) };
}

function withoutStarts(agent: Plugin['agents'][number]): Plugin['agents'][number] {
  const { hooks: _hooks, mcp_config: _servers, permission_mode: _mode, ...rest } = agent;
  return rest;
}
