import type { CallToolResult, Tool as ListedTool } from '@modelcontextprotocol/sdk/types.js';
import { errorMessage } from '../../errors/index.js';
import { textContent, type Observation, type ToolAnnotations } from '../../events/index.js';
import { isJsonObject } from '../../json/index.js';
import type { ExecutionContext, Tool, ToolDefinition, ToolInvocation } from '../tool.js';
import type { ToolHost } from '../tool-host.js';
import type { McpConnection } from './mcp-connection.js';
import { toContent } from './mcp-content.js';
import { toToolSchema } from './mcp-schema.js';
import { withSecrets } from './secret-references.js';

const ACTION = 'MCPToolAction';
const OBSERVATION = 'MCPToolObservation';

/** Assumed for missing annotations: the worst case (the defaults of MCP). */
const DEFAULT_ANNOTATIONS: ToolAnnotations = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
};

/**
 * Wraps a tool of an MCP server.
 * @param name the name for the model
 */
export function mcpTool(name: string, listed: ListedTool, connection: McpConnection, host: ToolHost): Tool {
  const definition = definitionOf(name, listed, (): Tool => tool);
  const tool: Tool = {
    definition,
    prepare: (args) => new McpInvocation(name, listed.name, args, connection, host),
    // The tools of a server share its connection, which `McpServers` closes.
    close: () => Promise.resolve(),
  };
  return tool;
}

function definitionOf(name: string, listed: ListedTool, create: () => Tool): ToolDefinition {
  const { annotations: hints, description, _meta: meta } = listed;
  const annotations = hints ? { ...DEFAULT_ANNOTATIONS, ...hints } : DEFAULT_ANNOTATIONS;
  return {
    name,
    kind: 'MCPToolDefinition',
    actionKind: ACTION,
    observationKind: OBSERVATION,
    title: hints?.title ?? name,
    description: description ?? 'No description provided',
    annotations,
    schema: toToolSchema(listed.inputSchema),
    argumentsTitle: `MCP${camelCase(name)}Action`,
    clientDescription: { annotations: hints ? annotations : undefined, meta, mcp_tool: { ...listed } },
    argumentsOf: ({ data }) => (isJsonObject(data) ? data : {}),
    create,
  };
}

/** A call. References to secrets are resolved only when the arguments are sent to the server. */
class McpInvocation implements ToolInvocation {
  readonly action;

  constructor(
    private readonly name: string,
    private readonly remoteName: string,
    private readonly args: Record<string, unknown>,
    private readonly connection: McpConnection,
    private readonly host: ToolHost,
  ) {
    this.action = { data: args, kind: ACTION };
  }

  touches() {
    return [{ kind: 'tool' as const, key: this.name }];
  }

  async execute({ signal }: ExecutionContext): Promise<Observation> {
    const mask = (text: string): string => this.host.secrets?.mask(text) ?? text;
    try {
      const args = await withSecrets(this.args, this.host.secrets, signal);
      const result = await this.connection.call(this.remoteName, args, signal);
      const head = textContent(`[Tool '${this.name}' executed.]`);
      return this.observation([head, ...toContent(contentBlocks(result), mask)], result.isError === true);
    } catch (error) {
      signal.throwIfAborted();
      const reason = errorMessage(error).replace(/^MCP error -?\d+: /, '');
      return this.observation([textContent(mask(`Error calling MCP tool ${this.name}: ${reason}`))], true);
    }
  }

  private observation(content: Observation['content'], isError: boolean): Observation {
    return { content, is_error: isError, tool_name: this.name, kind: OBSERVATION };
  }
}

/** The content blocks of a result. A server may return structured data only. */
export function contentBlocks({ content, structuredContent }: CallToolResult): CallToolResult['content'] {
  if (content.length > 0 || structuredContent === undefined) return content;
  return [{ type: 'text', text: JSON.stringify(structuredContent) }];
}

function camelCase(name: string): string {
  return name
    .split(/[^a-zA-Z0-9]+/)
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join('');
}
