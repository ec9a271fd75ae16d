import path from 'node:path';
import { type AgentSpec, isInvocable, skillsOf, type AgentType } from '../../agent/index.js';
import {
  type McpServers,
  type ToolRegistry,
  type Tool,
  HostRefusal,
  type ToolHost,
} from '../../tools/index.js';
import type { Toolset } from '../agent-runtime/toolset.js';

/** The tools of one task. They are closed with it. */
interface TaskTools {
  all: ReadonlyMap<string, Tool>;
  close(): Promise<void>;
}

/**
 * Creates the tools of a task: the tools of its type, those of its type's MCP servers, and those of the
 * conversation's MCP servers, which are not closed with the task.
 * @param folder for files of the tools, relative to the conversation's folder
 * @throws HostRefusal for a duplicate name; the reason of the signal once it is aborted
 */
export async function createTaskTools(
  agent: AgentSpec,
  { mcpServers }: AgentType,
  { toolset, registry, folder }: { toolset: Toolset; registry: ToolRegistry; folder: string },
  signal: AbortSignal,
): Promise<TaskTools> {
  const host = taskToolHost(agent, toolset.host(), folder);
  const own = registry.createTools(agent.tools, agent.include_default_tools, host);
  const servers = mcpServers && (await startServers(mcpServers, host));
  const close = async (): Promise<void> => {
    await Promise.allSettled([...[...own.values()].map((tool) => tool.close()), servers?.close()]);
  };
  try {
    await servers?.connect(signal);
    const all = new Map(own);
    for (const tool of servers?.tools ?? []) {
      const { name } = tool.definition;
      if (all.has(name)) throw new HostRefusal(`Two tools of the sub-agent have the name '${name}'.`);
      all.set(name, tool);
    }
    for (const [name, tool] of toolset.tools()) {
      if (tool.definition.actionKind === 'MCPToolAction' && !all.has(name)) all.set(name, tool);
    }
    return { all, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startServers(config: Record<string, unknown>, host: ToolHost): Promise<McpServers> {
  // Loaded on demand.
  const { McpServers } = await import('../../tools/mcp/index.js');
  // A task is short: changes of tools and renewed tokens are ignored.
  return new McpServers(config, host, { toolsChanged: () => undefined, configChanged: () => undefined });
}

/** The host for tools of a sub-agent, without access to what would change the conversation. */
function taskToolHost(agent: AgentSpec, { folder, shownFolder, ...rest }: ToolHost, below: string): ToolHost {
  return {
    ...rest,
    folder: path.join(folder, below),
    shownFolder: path.join(shownFolder, below),
    subAgents: undefined,
    announceTerminal: undefined,
    models: undefined,
    startChild: undefined,
    latestImages: undefined,
    skills: () => skillsOf(agent).map((skill) => ({ ...skill, invocable: isInvocable(skill) })),
  };
}
