import type { CondenserSpec } from './condenser/condenser-spec.js';
import type { LlmConfig } from '../llm/llm-config.js';

/** Any JSON object. */
export type JsonObject = Record<string, unknown>;

/** The agent of a conversation as the wire has it, defaults filled in, keys in the wire's order. */
export interface AgentSpec {
  llm: LlmConfig;
  tools: ToolSpec[];
  mcp_config: JsonObject;
  filter_tools_regex: string | null;
  include_default_tools: string[];
  agent_context: JsonObject | null;
  system_prompt: string | null;
  system_prompt_filename: string;
  security_policy_filename: string | null;
  system_prompt_kwargs: JsonObject;
  condenser: CondenserSpec | null;
  critic: JsonObject | null;
  tool_concurrency_limit: number;
  persona: string | null;
  kind: 'Agent';
}

/** A tool that the agent is given, by name. */
export interface ToolSpec {
  name: string;
  params: JsonObject;
}
