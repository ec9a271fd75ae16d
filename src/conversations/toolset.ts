import path from 'node:path';
import { isInvocable, needsInvokeTool, skillsOf } from '../agent/skills/index.js';
import { makeFolder } from '../files/index.js';
import type { McpServers } from '../tools/mcp/index.js';
import { fitting } from '../tools/name-pattern.js';
import { DuplicateToolError } from '../tools/tool-errors.js';
import type { ToolRegistry } from '../tools/tool-registry.js';
import type { Tool, ToolHost, ToolDefinition, ToolSecrets } from '../tools/tool.js';
import { ConversationClosedError, ToolNameClashError } from './conversation-errors.js';
import type { ConversationServices } from './conversation-parts.js';
import type { ConversationState } from './conversation-state.js';
import { persistenceDir } from './conversation-views.js';
import { ensureRepository } from './workspace-repository.js';

const INVOKE_SKILL = 'InvokeSkillTool';
const INSPECT_IMAGE = 'VisionInspectTool';

/** What tools may ask of their conversation, and what has to be known before they are made. */
export interface ToolAbilities extends Pick<
  ToolHost,
  'subAgents' | 'models' | 'startChild' | 'latestImages'
> {
  prepare(): Promise<void>;
}

/** The tools of one conversation: made when first needed, ended with it. */
export class Toolset {
  private instances: Map<string, Tool> | undefined;
  /** MCP servers, and what they offer. */
  private servers: McpServers | undefined;
  private foreign: Tool[] = [];
  private workspaceReady: Promise<void> | undefined;
  private closed = false;

  constructor(
    private readonly state: ConversationState,
    private readonly services: ConversationServices,
    private readonly secrets: ToolSecrets,
    /** What tools may ask of the conversation. */
    private readonly abilities: () => ToolAbilities,
  ) {}

  /** Absolute path of the workspace. */
  get workingDir(): string {
    return path.resolve(this.services.baseDir, this.state.workspace.working_dir);
  }

  definitions(): ToolDefinition[] {
    return [...this.tools().values()].map((tool) => tool.definition);
  }

  /** The tools by name, in the order the model is told of them. They start what they need at their first use. */
  tools(): ReadonlyMap<string, Tool> {
    if (this.closed) throw new ConversationClosedError();
    this.instances ??= this.makeTools();
    return this.instances;
  }

  private makeTools(): Map<string, Tool> {
    const { agent, client_tools } = this.state;
    const { tools, filter_tools_regex: filter } = agent;
    const own = this.services.registry.createTools(tools, this.builtIn(), this.host(), client_tools);
    const all = joined(own, this.foreign);
    return filter === null ? all : filtered(all, filter, this.services.registry);
  }

  /** Class names of the built-in tools: those that were asked for, and those that skills and images need. */
  private builtIn(): string[] {
    const { agent } = this.state;
    const named = agent.include_default_tools.filter((name) => name !== INSPECT_IMAGE);
    if (!named.includes(INVOKE_SKILL) && needsInvokeTool(skillsOf(agent))) named.push(INVOKE_SKILL);
    // There is nobody to ask about images unless some profile has a model that sees them.
    if ((this.abilities().models?.visionNames.length ?? 0) > 0) named.push(INSPECT_IMAGE);
    return named;
  }

  /** What tools get to know of the conversation. */
  host(): ToolHost {
    const { id } = this.state;
    const abilities = this.abilities();
    return {
      conversationId: id,
      workingDir: this.workingDir,
      folder: this.services.catalogue.folder(id),
      shownFolder: persistenceDir(this.services.shownRoot, id),
      secrets: this.secrets,
      browserEnabled: this.services.browserEnabled,
      subAgents: abilities.subAgents,
      models: abilities.models,
      startChild: abilities.startChild,
      latestImages: abilities.latestImages,
      skills: () => skillsOf(this.state.agent).map((skill) => ({ ...skill, invocable: isInvocable(skill) })),
    };
  }

  /**
   * Makes the tools ready that are somebody else's: until then there are only our own.
   * @throws ToolNameClashError when a name comes twice
   * @throws the reason of the signal once it is aborted
   */
  async prepare(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.abilities().prepare();
    await this.connect(signal);
  }

  /** Starts the MCP servers of the agent, once. */
  private async connect(signal: AbortSignal): Promise<void> {
    const { agent } = this.state;
    if (this.servers || Object.keys(agent.mcp_config).length === 0) return;
    // Loaded by those who use it.
    const { McpServers } = await import('../tools/mcp/index.js');
    const servers = new McpServers(agent.mcp_config, this.host());
    this.servers = servers;
    try {
      this.foreign = await servers.tools(signal);
      this.tools();
    } catch (error) {
      this.servers = undefined;
      this.foreign = [];
      await servers.close();
      throw error instanceof DuplicateToolError ? new ToolNameClashError(error.message) : error;
    }
    if (this.closed) await servers.close();
  }

  /** Takes in tools that a changed agent needs; those that there are go on. */
  renew(): void {
    if (!this.instances) return;
    const before = this.instances;
    this.instances = undefined;
    this.instances = new Map([...this.tools()].map(([name, tool]) => [name, before.get(name) ?? tool]));
  }

  /** Makes the workspace a place to work in: the folder is there and under version control. */
  prepareWorkspace(): Promise<void> {
    this.workspaceReady ??= this.makeWorkspace().catch((error: unknown) => {
      // The next run may find it possible.
      this.workspaceReady = undefined;
      throw error;
    });
    return this.workspaceReady;
  }

  private async makeWorkspace(): Promise<void> {
    await makeFolder(this.workingDir);
    await ensureRepository(this.workingDir);
  }

  async close(): Promise<void> {
    this.closed = true;
    const tools = [...(this.instances?.values() ?? [])];
    this.instances = undefined;
    await Promise.allSettled([...tools.map((tool) => tool.close()), this.servers?.close()]);
  }
}

function joined(own: ReadonlyMap<string, Tool>, foreign: readonly Tool[]): Map<string, Tool> {
  const all = new Map(own);
  const doubled = foreign.flatMap((tool) => {
    const { name } = tool.definition;
    if (all.has(name)) return [name];
    all.set(name, tool);
    return [];
  });
  if (doubled.length > 0) throw new DuplicateToolError([...new Set(doubled)]);
  return all;
}

/** Those whose names begin as a pattern says, and all built-in ones. */
function filtered(
  all: ReadonlyMap<string, Tool>,
  pattern: string,
  registry: ToolRegistry,
): Map<string, Tool> {
  const kept = new Set(fitting(pattern, [...all.keys()], false));
  return new Map(
    [...all].filter(([name, { definition }]) => kept.has(name) || registry.isBuiltIn(definition)),
  );
}
