import type { CondenserSpec } from './condenser/condenser-spec.js';
import type { LlmConfig } from '../llm/index.js';
import type { JsonObject } from '../json/index.js';

/** Fields of all agents as in the API: defaults filled in, keys in the original's order. */
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

/** The built-in agent, which calls a model and tools. */
interface BuiltInAgentSpec extends AgentFields {
  persona: string | null;
  kind: 'Agent';
}

/** A secret that an ACP agent reads from a file. */
export interface FileSecretSpec {
  /** Name of the conversation's secret. */
  secret_name: string;
  filename: string;
  /** Environment variable that holds the path. */
  env_var: string;
  /** Folder of the file, relative to the agent's private folder. */
  subdir: string;
  env_points_to: 'dir' | 'file';
  /** Variables that the agent also needs: a warning is logged when they are not set. */
  warn_if_unset: string[];
}

/** An ACP agent: an external program that speaks the Agent Client Protocol. Times in seconds. */
export interface AcpAgentSpec extends AgentFields {
  acp_command: string[];
  acp_server: string | null;
  acp_args: string[];
  acp_session_mode: string | null;
  /** Longest time without any message while the agent works. */
  acp_prompt_timeout: number;
  acp_startup_timeout: number;
  acp_model: string | null;
  acp_resume_session_id: string | null;
  acp_file_secrets: FileSecretSpec[];
  acp_isolate_data_dir: boolean;
  /** ACP agents have their own persona. */
  persona?: undefined;
  kind: 'ACPAgent';
}

/** The configuration of a conversation's agent. */
export type AgentSpec = BuiltInAgentSpec | AcpAgentSpec;

/** A tool of the agent, by name. */
export interface ToolSpec {
  name: string;
  params: JsonObject;
}
