import type { AgentSpec } from '../../agent/index.js';
import type { Content } from '../../events/index.js';
import type { ClientToolSpec } from '../../tools/index.js';
import type { JsonObject } from '../../json/index.js';

/** A message of the user that is not an event yet. */
export interface NewMessage {
  role: 'user';
  content: Content[];
}

/** The start and the branch of a worktree. */
export interface WorktreeOptions {
  base: 'default_branch' | 'head' | 'ref';
  /** The start for base `ref`. */
  ref: string | null;
  branch_prefix: string;
}

/** What a client asks for; the server adds who the client is. */
export type RequestedConversation = Omit<StartConversationRequest, 'owner_key' | 'workspace_root'>;

/** A validated create request with defaults. */
export interface StartConversationRequest {
  agent: AgentSpec;
  /** The field of the request that describes or names the agent; default `agent`. */
  agentField?: 'agent' | 'agent_settings' | 'agent_profile_id';
  /** The model of the agent is that of a stored profile. */
  storedModel?: boolean;
  workspace: { working_dir: string; kind: string };
  /** Dashed UUID; null: a new one. */
  conversation_id: string | null;
  parent_conversation_id: string | null;
  /** The key that asks; null: a session key. */
  owner_key: string | null;
  /** The folder that the workspace has to be in; null: anywhere. */
  workspace_root: string | null;
  confirmation_policy: JsonObject & { kind: string };
  security_analyzer: (JsonObject & { kind: string }) | null;
  initial_message: NewMessage | null;
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
  /** The stored profile of the agent, as clients see it. */
  launched_agent_profile: JsonObject | null;
  /** Only set by the server itself. */
  title?: string | null;
  worktree: boolean;
  /** Fail if no worktree can be created. Only set by the server itself. */
  needsWorktree?: boolean;
  worktree_options: WorktreeOptions | null;
  /** The rest of the request, for features that read it later. */
  rest: JsonObject;
}
