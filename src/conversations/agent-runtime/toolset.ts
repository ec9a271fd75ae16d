import { Logger } from '@nestjs/common';
import path from 'node:path';
import { isInvocable, needsInvokeTool, skillsOf } from '../../agent/skills/index.js';
import { makeFolder } from '../../files/index.js';
import { settlesWithin } from '../../flow/index.js';
import type { McpServers } from '../../tools/mcp/index.js';
import { fitting } from '../../tools/name-pattern.js';
import { DuplicateToolError } from '../../tools/tool-errors.js';
import type { ToolRegistry } from '../../tools/tool-registry.js';
import type { Tool, ToolHost, ToolDefinition, ToolSecrets } from '../../tools/tool.js';
import { ensureRepository } from '../../git/index.js';
import type { JsonObject } from '../../json/index.js';
import { ConversationClosedError, ToolNameClashError } from '../conversation-errors.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { ConversationState } from '../state/conversation-state.js';
import { persistenceDir } from '../state/conversation-info.js';

/** One for all: each conversation that is open would keep its own. */
const logger = new Logger('Toolset');

const INVOKE_SKILL = 'InvokeSkillTool';
const INSPECT_IMAGE = 'VisionInspectTool';
/** How long a run waits for MCP servers that it could also begin without (ms). */
const RECONNECT_MS = 3_000;

/** What tools may ask of their conversation, and what has to be known before they are made. */
export interface ToolAbilities extends Pick<
  ToolHost,
  'subAgents' | 'models' | 'startChild' | 'latestImages'
> {
  prepare(): Promise<void>;
}

/** The tools of one conversation: made when first needed, ended with it. */
export class Toolset {
  /** Absolute path of the workspace. */
  readonly workingDir: string;
  private instances: Map<string, Tool> | undefined;
  /** MCP servers, and what they offer. */
  private servers: McpServers | undefined;
  private foreign: readonly Tool[] = [];
  /** Its names are free of clashes; what comes later and clashes is left out. */
  private connected = false;
  private workspaceReady: Promise<void> | undefined;
  private closed = false;

  constructor(
    private readonly state: ConversationState,
    private readonly services: ConversationServices,
    private readonly secrets: ToolSecrets,
    /** What tools may ask of the conversation. */
    private readonly abilities: () => ToolAbilities,
  ) {
    const workingDir = path.resolve(services.baseDir, state.workspace.working_dir);
    // In one piece: it is kept, and what `path` puts together is a chain of pieces.
    this.workingDir = Buffer.from(workingDir).toString();
  }

  definitions(): ToolDefinition[] {
    return [...this.tools().values()].map((tool) => tool.definition);
  }

  /**
   * The tools by name, in the order the model is told of them. They start what they need at their first use.
   */
  tools(): ReadonlyMap<string, Tool> {
    if (this.closed) throw new ConversationClosedError();
    if (this.connected) void this.servers?.retry();
    this.instances ??= this.makeTools();
    return this.instances;
  }

  private makeTools(): Map<string, Tool> {
    const { agent, client_tools } = this.state;
    const { tools, filter_tools_regex: filter } = agent;
    const own = this.services.registry.createTools(tools, this.builtIn(), this.host(), client_tools);
    const all = joined(own, this.foreign, (names) => this.clash(names));
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
    const { mcp_config } = this.state.agent;
    if (this.servers || Object.keys(mcp_config).length === 0) return;
    const servers = (this.servers = await this.makeServers(mcp_config));
    try {
      await servers.connect(signal);
      this.foreign = servers.tools;
      this.tools();
      this.connected = true;
    } catch (error) {
      this.servers = undefined;
      this.foreign = [];
      await servers.close();
      throw error instanceof DuplicateToolError ? new ToolNameClashError(error.message) : error;
    }
    if (this.closed) await servers.close();
  }

  private async makeServers(config: JsonObject): Promise<McpServers> {
    // Loaded by those who use it.
    const { McpServers } = await import('../../tools/mcp/index.js');
    return new McpServers(config, this.host(), {
      toolsChanged: () => this.serversChanged(),
      configChanged: (name, server) => this.keepServer(name, server),
    });
  }

  /**
   * Starts MCP servers that the agent has got since its tools were made; waits for them, but not for long.
   */
  async changeServers(): Promise<void> {
    const { mcp_config } = this.state.agent;
    if (!this.servers && Object.keys(mcp_config).length === 0) return;
    // The conversation goes on: a name that is taken already is left out.
    this.connected = true;
    this.servers ??= await this.makeServers({});
    if (this.closed) return;
    await settlesWithin(this.servers.change(mcp_config), RECONNECT_MS);
  }

  /** Before a run: servers that could not be reached are tried again, which may take a moment. */
  async reconnect(): Promise<void> {
    if (this.servers && this.connected) await settlesWithin(this.servers.retry(), RECONNECT_MS);
  }

  /** The model is told of other tools from its next step on. */
  private serversChanged(): void {
    if (!this.connected || !this.servers || this.closed) return;
    this.foreign = this.servers.tools;
    this.renew();
  }

  /** @throws DuplicateToolError as long as somebody can be told */
  private clash(names: string[]): void {
    if (!this.connected) throw new DuplicateToolError(names);
    const { id } = this.state;
    logger.warn(
      `conversation ${id}: tools of MCP servers are left out, their names are taken: ${names.join(', ')}`,
    );
  }

  /** It is saved with the state: a restart needs it. */
  private keepServer(name: string, server: JsonObject): void {
    const { agent } = this.state;
    this.state.agent = { ...agent, mcp_config: { ...agent.mcp_config, [name]: server } };
  }

  /** Takes in tools that a changed agent needs; those that there are go on. */
  renew(): void {
    if (!this.instances) return;
    const before = this.instances;
    this.instances = undefined;
    const kept = (name: string, tool: Tool): Tool =>
      this.foreign.includes(tool) ? tool : (before.get(name) ?? tool);
    this.instances = new Map([...this.tools()].map(([name, tool]) => [name, kept(name, tool)]));
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

/** Our own tools and those of servers. @param clash is told names that are taken */
function joined(
  own: ReadonlyMap<string, Tool>,
  foreign: readonly Tool[],
  clash: (names: string[]) => void,
): Map<string, Tool> {
  const all = new Map(own);
  const doubled = foreign.flatMap((tool) => {
    const { name } = tool.definition;
    if (all.has(name)) return [name];
    all.set(name, tool);
    return [];
  });
  if (doubled.length > 0) clash([...new Set(doubled)]);
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
