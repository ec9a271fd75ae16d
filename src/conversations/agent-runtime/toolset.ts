import { Logger } from '@nestjs/common';
import path from 'node:path';
import { latestImages, isInvocable, needsInvokeTool, skillsOf } from '../../agent/index.js';
import { InvalidRequestError } from '../../errors/index.js';
import { makeFolder } from '../../files/index.js';
import { settlesWithin } from '../../flow/index.js';
import {
  builtInTool,
  type McpServers,
  DuplicateToolError,
  ToolParamsError,
  type ToolRegistry,
  type Tool,
  type ToolDefinition,
  type SubAgents,
  type ToolHost,
  type ToolSecrets,
} from '../../tools/index.js';
import { matchingNames } from '../../text/index.js';
import type { Confinement } from '../../sandbox/index.js';
import { ensureRepository, GitBounds, hasChanges } from '../../git/index.js';
import type { JsonObject } from '../../json/index.js';
import { ConversationClosedError, ToolNameClashError } from '../conversation-errors.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { Journal } from '../journal/journal.js';
import type { ConversationModels } from '../steering/conversation-models.js';
import { confinementScope } from '../owners/confinement-scope.js';
import { isOwnKeys } from '../owners/own-key-rules.js';
import type { ConversationState } from '../state/conversation-state.js';
import { persistenceDir } from '../state/conversation-info.js';

/** Shared: a logger per open conversation would cost memory. */
const logger = new Logger('Toolset');

const INVOKE_SKILL = 'InvokeSkillTool';
const INSPECT_IMAGE = 'VisionInspectTool';
/** How long a run waits for MCP servers that it can also start without (ms). */
const RECONNECT_MS = 3_000;

/** The tools of one conversation: created when they are first needed, closed with it. */
export class Toolset {
  /** Absolute path of the workspace. */
  readonly workingDir: string;
  /** How the programs of the conversation are confined. */
  readonly confinement: Confinement;
  private instances: Map<string, Tool> | undefined;
  private servers: McpServers | undefined;
  /** What the MCP servers offer. */
  private mcpTools: readonly Tool[] = [];
  /** Once all servers are connected, tools whose names are taken are left out instead of refused. */
  private connected = false;
  private workspaceReady: Promise<void> | undefined;
  private closed = false;
  /** For the tool that starts sub-agents. */
  subAgents: (SubAgents & { prepare(): Promise<void> }) | undefined;
  private readonly state: ConversationState;

  constructor(
    private readonly journal: Journal,
    private readonly secrets: ToolSecrets,
    private readonly models: ConversationModels,
    private readonly services: Pick<
      ConversationServices,
      'agentTerminals' | 'children' | 'config' | 'folders' | 'sandbox' | 'toolRegistry'
    >,
  ) {
    this.state = journal.state;
    const workingDir = path.resolve(services.config.base_dir, this.state.workspace.working_dir);
    // A copy: strings from `path` are ropes, which take more memory while they are kept.
    this.workingDir = Buffer.from(workingDir).toString();
    this.confinement = services.sandbox.confine({
      ...confinementScope(this.state, services.config),
      folder: services.folders.folder(this.state.id),
    });
  }

  definitions(): ToolDefinition[] {
    return [...this.tools().values()].map((tool) => tool.definition);
  }

  /**
   * The tools by name, in the order in which the model gets them. A tool starts its programs at its first
   * use.
   */
  tools(): ReadonlyMap<string, Tool> {
    if (this.closed) throw new ConversationClosedError();
    if (this.connected) void this.servers?.retry();
    this.instances ??= this.createTools();
    return this.instances;
  }

  private createTools(): Map<string, Tool> {
    const { agent, client_tools } = this.state;
    const { tools, filter_tools_regex: filter } = agent;
    const { toolRegistry } = this.services;
    const own = usable(() => toolRegistry.createTools(tools, this.builtIn(), this.host(), client_tools));
    const all = merge(own, this.mcpTools, (names) => this.reportClash(names));
    return filter === null ? all : filterByPrefix(all, filter, toolRegistry);
  }

  /** Class names of the built-in tools: those of the agent and those that skills and images need. */
  private builtIn(): string[] {
    const { agent } = this.state;
    const named = agent.include_default_tools.filter((name) => name !== INSPECT_IMAGE);
    const configured = new Set(agent.tools.map(({ name }) => builtInTool(name)?.kind));
    const isMissing = (name: string): boolean => !named.includes(name) && !configured.has(name);
    if (isMissing(INVOKE_SKILL) && needsInvokeTool(skillsOf(agent))) named.push(INVOKE_SKILL);
    // The tool asks a model of a profile, so it needs one that takes images.
    if (isMissing(INSPECT_IMAGE) && this.models.visionNames.length > 0) named.push(INSPECT_IMAGE);
    return named;
  }

  /** The conversation as its tools see it. */
  host(): ToolHost {
    const { id } = this.state;
    const { folders, children, config } = this.services;
    return {
      conversationId: id,
      workingDir: this.workingDir,
      folder: folders.folder(id),
      shownFolder: persistenceDir(config.conversations_path, id),
      secrets: this.secrets,
      confinement: this.confinement,
      browserEnabled: config.enable_browser,
      subAgents: this.subAgents,
      models: this.models,
      announceTerminal: (session) =>
        this.services.agentTerminals.announce({
          conversationId: id,
          session,
          workingDir: this.workingDir,
          mask: () => this.secrets.stream(),
        }),
      startChild: (request) => children.startChild(id, request),
      latestImages: () => latestImages(this.journal.views.current),
      skills: () => skillsOf(this.state.agent).map((skill) => ({ ...skill, invocable: isInvocable(skill) })),
    };
  }

  /**
   * Connects the MCP servers and looks up profiles and sub-agents. Before that there are only built-in tools.
   * @throws ToolNameClashError when two tools have the same name
   * @throws the reason of the signal once it is aborted
   */
  async prepare(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await Promise.all([this.models.prepare(), this.subAgents?.prepare()]);
    await this.connect(signal);
  }

  /** Starts the MCP servers of the agent, once. */
  private async connect(signal: AbortSignal): Promise<void> {
    const { mcp_config } = this.state.agent;
    if (this.servers || Object.keys(mcp_config).length === 0) return;
    const servers = (this.servers = await this.makeServers(mcp_config));
    try {
      await servers.connect(signal);
      this.mcpTools = servers.tools;
      this.tools();
      this.connected = true;
    } catch (error) {
      this.servers = undefined;
      this.mcpTools = [];
      await servers.close();
      throw error instanceof DuplicateToolError ? new ToolNameClashError(error.message) : error;
    }
    if (this.closed) await servers.close();
  }

  private async makeServers(config: JsonObject): Promise<McpServers> {
    // Imported on use: most conversations have no MCP servers.
    const { McpServers } = await import('../../tools/mcp/index.js');
    return new McpServers(config, this.host(), {
      toolsChanged: () => this.serversChanged(),
      configChanged: (name, server) => this.updateServerConfig(name, server),
    });
  }

  /** Starts MCP servers that the agent has got since its tools were created. Waits a few seconds for them. */
  async changeServers(): Promise<void> {
    const { mcp_config } = this.state.agent;
    if (!this.servers && Object.keys(mcp_config).length === 0) return;
    // Nobody can be told of a clash any more: tools whose names are taken are left out.
    this.connected = true;
    this.servers ??= await this.makeServers({});
    if (this.closed) return;
    await settlesWithin(this.servers.change(mcp_config), RECONNECT_MS);
  }

  /** Tries unreachable servers again. Waits a few seconds for them. */
  async reconnect(): Promise<void> {
    if (this.servers && this.connected) await settlesWithin(this.servers.retry(), RECONNECT_MS);
  }

  /** The model gets the changed tools with its next step. */
  private serversChanged(): void {
    if (!this.connected || !this.servers || this.closed) return;
    this.mcpTools = this.servers.tools;
    this.renew();
  }

  /** @throws DuplicateToolError while servers are being connected; later it logs a warning */
  private reportClash(names: string[]): void {
    if (!this.connected) throw new DuplicateToolError(names);
    const { id } = this.state;
    logger.warn(
      `conversation ${id}: tools of MCP servers are left out, their names are taken: ${names.join(', ')}`,
    );
  }

  /** The renewed tokens are stored with the state: a restart needs them. */
  private updateServerConfig(name: string, server: JsonObject): void {
    const { agent } = this.state;
    this.state.agent = { ...agent, mcp_config: { ...agent.mcp_config, [name]: server } };
  }

  /** Adds the tools that a changed agent needs. Tools that exist already stay as they are. */
  renew(): void {
    if (!this.instances) return;
    const before = this.instances;
    this.instances = undefined;
    const kept = (name: string, tool: Tool): Tool =>
      this.mcpTools.includes(tool) ? tool : (before.get(name) ?? tool);
    this.instances = new Map([...this.tools()].map(([name, tool]) => [name, kept(name, tool)]));
  }

  /** Creates the folder of the workspace, under version control. */
  prepareWorkspace(): Promise<void> {
    this.workspaceReady ??= this.makeWorkspace().catch((error: unknown) => {
      // The next run tries again.
      this.workspaceReady = undefined;
      throw error;
    });
    return this.workspaceReady;
  }

  private async makeWorkspace(): Promise<void> {
    await makeFolder(this.workingDir);
    const isBounded = isOwnKeys(this.state) || this.confinement.mode === 'workspace';
    await ensureRepository(this.workingDir, isBounded ? this.confinementOfGit() : undefined);
  }

  /** Git that the server runs needs the workspace, and nothing that is kept for the conversation. */
  private confinementOfGit(): Confinement {
    const { sandbox, config } = this.services;
    return sandbox.confine(confinementScope(this.state, config));
  }

  /** Where git that the server runs for a key that reaches its own conversations only may look. */
  private async gitBounds(): Promise<GitBounds | undefined> {
    const { workspace_root: root } = this.state;
    if (root === undefined) return undefined;
    const { worktrees } = this.services.config.paths;
    const { files: rules } = this.confinement;
    return GitBounds.of({ folders: [root], worktrees, rules, confinement: this.confinementOfGit() });
  }

  /** Where git may look that reads what was in files: in the sandbox only at what the agent sees itself. */
  async boundsOfGit(): Promise<GitBounds | undefined> {
    if (this.confinement.mode !== 'workspace') return this.gitBounds();
    const { worktrees } = this.services.config.paths;
    const folders = [this.state.workspace_root ?? this.workingDir];
    const { files: rules } = this.confinement;
    return GitBounds.of({ folders, worktrees, rules, confinement: this.confinementOfGit() });
  }

  /** Whether files of the workspace have changed, or commits were made, since the conversation began. */
  async workspaceChanged(): Promise<boolean> {
    return hasChanges(this.workingDir, this.state.created_at, await this.gitBounds());
  }

  async close(): Promise<void> {
    this.closed = true;
    const tools = [...(this.instances?.values() ?? [])];
    this.instances = undefined;
    await Promise.allSettled([...tools.map((tool) => tool.close()), this.servers?.close()]);
  }
}

/** @throws InvalidRequestError for options of tools that an older server or another program has stored */
function usable<T>(create: () => T): T {
  try {
    return create();
  } catch (error) {
    throw error instanceof ToolParamsError ? new InvalidRequestError([], error.message) : error;
  }
}

/** Built-in tools and those of MCP servers. @param onClash called with names that are taken */
function merge(
  own: ReadonlyMap<string, Tool>,
  mcpTools: readonly Tool[],
  onClash: (names: string[]) => void,
): Map<string, Tool> {
  const all = new Map(own);
  const taken = mcpTools.flatMap((tool) => {
    const { name } = tool.definition;
    if (all.has(name)) return [name];
    all.set(name, tool);
    return [];
  });
  if (taken.length > 0) onClash([...new Set(taken)]);
  return all;
}

/** Tools whose names match a pattern at their beginning, and all built-in ones. */
function filterByPrefix(
  all: ReadonlyMap<string, Tool>,
  pattern: string,
  registry: ToolRegistry,
): Map<string, Tool> {
  const kept = new Set(matchingNames(pattern, [...all.keys()], false));
  return new Map(
    [...all].filter(([name, { definition }]) => kept.has(name) || registry.isBuiltIn(definition)),
  );
}
