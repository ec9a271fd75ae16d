import { type Observation, type SystemPromptEvent, type ToolDescription } from '../../events/index.js';
import { asText, isJsonObject } from '../../json/index.js';
import {
  type ClientToolSpec,
  type Tool,
  type ToolDefinition,
  ToolExecutionError,
  type ToolHost,
  type ToolInvocation,
  ToolRegistry,
  type RequestedTool,
} from '../../tools/index.js';
import type { ReplayPlayer } from './replay-player.js';

/**
 * Tools that work with files of the workspace or with the conversation alone. All others reach models,
 * networks or other conversations: they are never run.
 */
const RUN_IN_WORKSPACE: ReadonlySet<string> = new Set([
  ...['terminal', 'file_editor', 'planning_file_editor', 'apply_patch', 'glob', 'grep'],
  ...['edit', 'write_file', 'read_file', 'list_directory', 'task_tracker', 'think', 'finish'],
]);

/** How the calls of a replay are executed. */
export interface ReplayToolOptions {
  /** Whether tools that work with files are run. */
  runs: boolean;
  /** Longest time of a call (ms). */
  limitMs: number;
}

/**
 * The tools of today, with today's texts and schemas, for a replay: those that are not run give the recorded
 * results. Tools of MCP servers are as they were recorded, because no server is started.
 */
export class ReplayToolRegistry extends ToolRegistry {
  /** Tools that were called and not run. */
  readonly played = new Set<string>();

  constructor(
    private readonly player: ReplayPlayer,
    private readonly options: ReplayToolOptions,
  ) {
    super();
  }

  override createTools(
    requested: readonly RequestedTool[],
    includeDefault: readonly string[],
    host: ToolHost,
    clientTools: readonly ClientToolSpec[] = [],
  ): Map<string, Tool> {
    const own = super.createTools(requested, includeDefault, host, clientTools);
    for (const tool of mcpTools(this.player.recording.prompt))
      if (!own.has(tool.definition.name)) own.set(tool.definition.name, tool);
    return new Map([...own].map(([name, tool]) => [name, this.replayed(name, tool)]));
  }

  /** Whether tools that work with files are run. */
  get runs(): boolean {
    return this.options.runs;
  }

  /** Whether calls of a tool are run. */
  isRun(name: string): boolean {
    return this.options.runs && RUN_IN_WORKSPACE.has(name);
  }

  private replayed(name: string, tool: Tool): Tool {
    const isRun = this.isRun(name);
    const wrap = (invocation: ToolInvocation): ToolInvocation => ({
      action: invocation.action,
      // Recorded results are given in the order of the calls.
      touches: () => [...invocation.touches(), ...(isRun ? [] : [{ kind: 'tool' as const, key: 'replay' }])],
      execute: isRun ? ({ signal }) => this.run(invocation, signal) : () => this.play(name, invocation),
    });
    return {
      definition: tool.definition,
      prepare: (args) => wrap(tool.prepare(args)),
      close: () => tool.close(),
    };
  }

  private play(name: string, { action }: ToolInvocation): Promise<Observation> {
    this.played.add(name);
    return Promise.resolve().then(() => this.player.resultOf(name, action));
  }

  private async run(invocation: ToolInvocation, signal: AbortSignal): Promise<Observation> {
    const { limitMs } = this.options;
    const limit = AbortSignal.timeout(limitMs);
    try {
      return await invocation.execute({ signal: AbortSignal.any([signal, limit]) });
    } catch (error) {
      if (!limit.aborted || signal.aborted) throw error;
      throw new ToolExecutionError(`no result within the ${limitMs / 1000} s of the replay`);
    }
  }
}

/** The tools of MCP servers, as the system prompt event describes them. */
function mcpTools(prompt: SystemPromptEvent | undefined): Tool[] {
  return (prompt?.tools ?? []).flatMap((description) => {
    const name = isJsonObject(description.mcp_tool) ? asText(description.mcp_tool['name']) : undefined;
    return typeof name === 'string' ? [mcpTool(name, description)] : [];
  });
}

function mcpTool(name: string, description: ToolDescription): Tool {
  const { mcp_tool, meta, annotations, kind, title } = description;
  const definition: ToolDefinition = {
    ...{ name, kind, title, description: description.description },
    actionKind: description.action_type,
    observationKind: description.observation_type ?? 'MCPToolObservation',
    annotations: annotations ?? {
      ...{ readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    },
    // The server of the tool is the judge of its arguments.
    schema: { type: 'object', properties: {}, additionalProperties: true },
    clientDescription: { annotations, meta, mcp_tool },
    argumentsOf: ({ data }) => (isJsonObject(data) ? data : {}),
    create: () => tool,
  };
  const tool: Tool = {
    definition,
    prepare: (args) => ({
      action: { data: args, kind: description.action_type },
      touches: () => [],
      execute: () => Promise.reject(new ToolExecutionError('a replay starts no MCP server')),
    }),
    close: () => Promise.resolve(),
  };
  return tool;
}
