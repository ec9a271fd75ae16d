import path from 'node:path';
import type { AgentSpec } from '../../agent/agent-spec.js';
import { isInvocable, skillsOf } from '../../agent/skills/index.js';
import type { AgentType } from '../../agent/sub-agents/index.js';
import type { McpServers } from '../../tools/mcp/index.js';
import type { ToolRegistry } from '../../tools/tool-registry.js';
import { HostRefusal, type Tool, type ToolHost } from '../../tools/tool.js';
import type { Toolset } from '../agent-runtime/toolset.js';

/** The tools of one task, which end with it. */
export interface TaskTools {
  all: ReadonlyMap<string, Tool>;
  close(): Promise<void>;
}

/**
 * The tools of a task: those of its type, what the MCP servers of its type offer, and the conversation's own
 * that are of MCP servers, which go on behind the task.
 * @param folder below that of the conversation, for what the tools keep
 * @throws HostRefusal when a name comes twice; the reason of the signal once it is aborted
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
  // Loaded by those who use it.
  const { McpServers } = await import('../../tools/mcp/index.js');
  // A task is short: its tools stay what they were at its start, and renewed tokens go with it.
  return new McpServers(config, host, { toolsChanged: () => undefined, configChanged: () => undefined });
}

/** What the tools of a sub-agent get to know: nothing of the conversation that they could change. */
function taskToolHost(agent: AgentSpec, { folder, shownFolder, ...rest }: ToolHost, below: string): ToolHost {
  return {
    ...rest,
    folder: path.join(folder, below),
    shownFolder: path.join(shownFolder, below),
    subAgents: undefined,
    models: undefined,
    startChild: undefined,
    latestImages: undefined,
    skills: () => skillsOf(agent).map((skill) => ({ ...skill, invocable: isInvocable(skill) })),
  };
}
