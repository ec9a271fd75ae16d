// `mcp/` has a door of its own, because it is only loaded when a conversation uses MCP servers.
export { resolveToolCall, type ResolvedToolCall } from './arguments/resolve-tool-call.js';
export { hasChromium } from './browser/chromium.js';
export { clientToolProblem, withClientTools, type ClientToolSpec } from './client/client-tool.js';
export { toLlmTool } from './llm-tool.js';
export type * from './mcp/index.js';
export { readMcpConfig } from './mcp/mcp-config.js';
export { preloadTools } from './preload-tools.js';
export { AgentTerminals, type AnnouncedTerminal } from './terminal/agent-terminals.js';
export type { SessionListener } from './terminal/session/takeover.js';
export type { TerminalSession } from './terminal/session/terminal-session.js';
export { maxForegroundTimeout, runtimeIdleTimeout } from './terminal/foreground-limit.js';
export {
  HostRefusal,
  type ChildRequest,
  type ModelAnswer,
  type ModelQuestion,
  type NamedSecrets,
  type RoutedModel,
  type SecretStream,
  type StartedChild,
  type SubAgents,
  type SubAgentType,
  type TaskResult,
  type ToolHost,
  type ToolModels,
  type ToolSecrets,
} from './tool-host.js';
export {
  builtInTool,
  type RequestedTool,
  DuplicateToolError,
  toolDefinitions,
  ToolParamsError,
  ToolRegistry,
  UnknownToolError,
} from './tool-registry.js';
export {
  describeTool,
  ToolExecutionError,
  type Tool,
  type ToolDefinition,
  type ToolInvocation,
  type ToolResource,
} from './tool.js';
export { ToolRegistrySubstitute, ToolsModule } from './tools.module.js';
export { truncateMiddle } from './truncate.js';
export { globMatcher } from './search/glob-matcher.js';
export { IgnoreRules } from './search/ignore-rules.js';
export { ripgrepPath, SearchError } from './search/ripgrep.js';
