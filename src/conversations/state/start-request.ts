import type { AgentSpec } from '../../agent/agent-spec.js';
import type { Content, MessageRole } from '../../events/index.js';
import type { ClientToolSpec } from '../../tools/client/client-tool.js';
import type { JsonObject } from '../../json/index.js';

/** A message on its way into a conversation. */
export interface IncomingMessage {
  role: MessageRole;
  content: Content[];
}

/** Where a worktree starts, and how its branch is called. */
export interface WorktreeOptions {
  base: 'default_branch' | 'head' | 'ref';
  /** What `ref` starts from. */
  ref: string | null;
  branch_prefix: string;
}

/** A validated create request: defaults filled in, everything that was not understood left out. */
export interface StartConversationRequest {
  agent: AgentSpec;
  /** The field of the request that describes or names it; `agent` if not said. */
  agentField?: 'agent' | 'agent_settings' | 'agent_profile_id';
  workspace: { working_dir: string; kind: string };
  /** Dashed UUID; null: the server makes one. */
  conversation_id: string | null;
  parent_conversation_id: string | null;
  confirmation_policy: JsonObject & { kind: string };
  security_analyzer: (JsonObject & { kind: string }) | null;
  initial_message: IncomingMessage | null;
  max_iterations: number;
  stuck_detection: boolean;
  /** US dollars; null: no limit. */
  max_budget_per_run: number | null;
  /** Secret sources by name. */
  secrets: Record<string, JsonObject>;
  client_tools: ClientToolSpec[];
  tool_module_qualnames: Record<string, string>;
  hook_config: JsonObject | null;
  tags: Record<string, string>;
  autotitle: boolean;
  /** What clients are told of the stored profile that the agent comes from. */
  launched_agent_profile: JsonObject | null;
  /** Only set by the server itself. */
  title?: string | null;
  worktree: boolean;
  /** Without a worktree there is no conversation. Only set by the server itself. */
  needsWorktree?: boolean;
  worktree_options: WorktreeOptions | null;
  /** Everything else of the request as it came, kept for features that read it later. */
  rest: JsonObject;
}

export type { AgentSpec, ToolSpec } from '../../agent/agent-spec.js';
