import type { JsonObject } from '../../json/index.js';

/**
 * The LLM object of the wire with defaults filled in. Meanings and defaults are those of LiteLLM and the
 * OpenHands SDK.
 */
export interface LlmConfig {
  /** LiteLLM style: `provider/model`. */
  model: string;
  api_key: string | null;
  provider_connection_id: string | null;
  auth_type: string;
  subscription_vendor: string | null;
  base_url: string | null;
  api_version: string | null;
  aws_access_key_id: string | null;
  aws_secret_access_key: string | null;
  aws_session_token: string | null;
  aws_region_name: string | null;
  aws_profile_name: string | null;
  aws_role_name: string | null;
  aws_session_name: string | null;
  aws_bedrock_runtime_endpoint: string | null;
  openrouter_site_url: string;
  openrouter_app_name: string;
  /** Total attempts, including the first; 0 counts as 1. */
  num_retries: number;
  retry_multiplier: number;
  /** Seconds. */
  retry_min_wait: number;
  /** Seconds. */
  retry_max_wait: number;
  /** Seconds per attempt; null: unlimited. */
  timeout: number | null;
  /** Maximum seconds between chunks; null: unlimited. */
  stream_idle_timeout: number | null;
  max_message_chars: number;
  temperature: number | null;
  top_p: number | null;
  top_k: number | null;
  max_input_tokens: number | null;
  max_output_tokens: number | null;
  model_canonical_name: string | null;
  api_mode: string;
  capability_overrides: JsonObject;
  extra_headers: Record<string, string> | null;
  input_cost_per_token: number | null;
  output_cost_per_token: number | null;
  ollama_base_url: string | null;
  stream: boolean;
  drop_params: boolean;
  disable_vision: boolean | null;
  disable_stop_word: boolean;
  caching_prompt: boolean;
  log_completions: boolean;
  log_completions_folder: string;
  custom_tokenizer: string | null;
  native_tool_calling: boolean;
  force_string_serializer: boolean | null;
  inline_image_urls: boolean | null;
  reasoning_effort: string | null;
  reasoning_summary: string | null;
  enable_encrypted_reasoning: boolean;
  prompt_cache_retention: string | null;
  extended_thinking_budget: number | null;
  seed: number | null;
  /** The name under which usage and cost are counted. */
  usage_id: string;
  litellm_extra_body: JsonObject;
  is_subscription: boolean;
  /** Profiles to try in this order if the model fails; absent if not configured. */
  fallback_strategy?: { fallback_llms: string[] };
}
