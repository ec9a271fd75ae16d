import type { Content, TextContent } from './content.js';
import type { EventBase } from './event-base.js';

export type MessageRole = 'user' | 'system' | 'assistant' | 'tool';

/** A tool call as written by the model; `arguments` is JSON text. */
export interface MessageToolCall {
  id: string;
  responses_item_id?: string;
  name: string;
  arguments: string;
  /** The protocol of the answer: chat completions or OpenAI responses. */
  origin: 'completion' | 'responses';
}

/** A reasoning block that has to be sent back to the provider unchanged. */
export type ThinkingBlock = (
  | { type: 'thinking'; thinking: string; signature?: string; signed_by?: 'gemini' }
  | { type: 'redacted_thinking'; data: string }
) & {
  /** Length of the answer's text before the block (UTF-16 units); absent if the block came first. */
  text_before?: number;
};

/**
 * Whether Claude wrote the block, regardless of the provider. Its thinking must not be mixed with blocks
 * signed by others.
 */
export function isClaudeBlock(block: ThinkingBlock): boolean {
  return block.type === 'redacted_thinking' || block.signed_by === undefined;
}

/** A reasoning item of the OpenAI responses protocol, replayed with its encrypted content. */
export interface ReasoningItem {
  id?: string;
  summary?: string[];
  content?: string[];
  encrypted_content?: string;
  status?: string;
}

/** One message of the dialogue with the model. */
export interface Message {
  role: MessageRole;
  content: Content[];
  tool_calls?: MessageToolCall[];
  tool_call_id?: string;
  name?: string;
  reasoning_content?: string;
  thinking_blocks: ThinkingBlock[];
  responses_reasoning_item?: ReasoningItem;
}

/** A message by the user, the agent or the environment. */
export interface MessageEvent extends EventBase {
  llm_message: Message;
  llm_response_id?: string;
  activated_skills: string[];
  extended_content: TextContent[];
  sender?: string;
  critic_result?: unknown;
  kind: 'MessageEvent';
}

/** A tool as described to clients in the system prompt event. */
export interface ToolDescription {
  description: string;
  action_type: string;
  observation_type?: string;
  annotations?: ToolAnnotations;
  /** Metadata that an MCP server attaches to its tool. */
  meta?: Record<string, unknown>;
  mcp_tool?: Record<string, unknown>;
  /** Name and JSON schema of a client tool, as sent by the client. */
  client_tool_name?: string;
  input_schema?: Record<string, unknown>;
  kind: string;
  title: string;
}

/** Hints about the effects of a tool, with the names of MCP. */
export interface ToolAnnotations {
  title?: string;
  readOnlyHint: boolean;
  destructiveHint: boolean;
  idempotentHint: boolean;
  openWorldHint: boolean;
}

/** The system prompt and the tools with which a conversation started. */
export interface SystemPromptEvent extends EventBase {
  system_prompt: TextContent;
  tools: ToolDescription[];
  dynamic_context?: TextContent;
  kind: 'SystemPromptEvent';
}
