import type { CondenserSpec } from './condenser/condenser-spec.js';
import type { LlmConfig } from '../llm/request/llm-config.js';
import type { JsonObject } from '../json/index.js';

/** What all agents have, as the wire has it, defaults filled in, keys in the wire's order. */
interface AgentFields {
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
}

/** An agent that calls a model and its tools. */
export interface BuiltInAgentSpec extends AgentFields {
  persona: string | null;
  kind: 'Agent';
}

/** A secret that an agent from elsewhere wants in a file. */
export interface FileSecretSpec {
  /** The secret of the conversation. */
  secret_name: string;
  filename: string;
  /** The variable that tells where it is. */
  env_var: string;
  /** The folder of the file, below the one that the agent has for itself. */
  subdir: string;
  env_points_to: 'dir' | 'file';
  /** Variables that the agent needs besides. */
  warn_if_unset: string[];
}

/** An agent from elsewhere: a program that speaks the Agent Client Protocol. Times in seconds. */
export interface AcpAgentSpec extends AgentFields {
  acp_command: string[];
  acp_server: string | null;
  acp_args: string[];
  acp_session_mode: string | null;
  /** How long it may say nothing while it works. */
  acp_prompt_timeout: number;
  acp_startup_timeout: number;
  acp_model: string | null;
  acp_resume_session_id: string | null;
  acp_file_secrets: FileSecretSpec[];
  acp_isolate_data_dir: boolean;
  /** It has one of its own. */
  persona?: undefined;
  kind: 'ACPAgent';
}

/** The agent of a conversation. */
export type AgentSpec = BuiltInAgentSpec | AcpAgentSpec;

/** A tool that the agent is given, by name. */
export interface ToolSpec {
  name: string;
  params: JsonObject;
}
