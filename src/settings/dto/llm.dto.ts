import { model } from '../../http/dto.js';
import { Field } from '../../http/field.js';
import {
  type FieldType,
  anyObject,
  choice,
  decimal,
  flag,
  integer,
  listOf,
  nullable,
  recordOf,
  text,
} from '../../http/field-type.js';
import type { JsonObject } from '../../storage/index.js';

const optionalText = (): FieldType => nullable(text());
const secret = (): FieldType => nullable(text({ secret: true }));

/** True, false, or a word: what a model can do beyond what is known of it. */
const override: FieldType = {
  read: (raw) => raw,
  problems: (value) =>
    typeof value === 'boolean' || typeof value === 'string'
      ? []
      : [{ type: 'string_type', msg: 'Input should be a valid boolean or string' }],
  schema: () => ({ anyOf: [{ type: 'boolean' }, { type: 'string' }] }),
};

/** Other models to try when this one fails. */
export class FallbackStrategyDto {
  @Field(listOf(text()), 'Names of LLM profiles.')
  fallback_llms!: string[];

  @Field(optionalText())
  profile_store_dir: string | null = null;
}

/** A model and how to call it. Names and defaults are those of LiteLLM and the OpenHands SDK. */
export class LLMDto {
  @Field(text(), 'LiteLLM style: provider/model.')
  model = 'gpt-5.6';

  @Field(secret())
  api_key: string | null = null;

  @Field(optionalText())
  provider_connection_id: string | null = null;

  @Field(choice(['api_key', 'subscription']))
  auth_type = 'api_key';

  @Field(nullable(choice(['openai'])))
  subscription_vendor: string | null = null;

  @Field(optionalText())
  base_url: string | null = null;

  @Field(optionalText())
  api_version: string | null = null;

  @Field(secret())
  aws_access_key_id: string | null = null;

  @Field(secret())
  aws_secret_access_key: string | null = null;

  @Field(secret())
  aws_session_token: string | null = null;

  @Field(optionalText())
  aws_region_name: string | null = null;

  @Field(optionalText())
  aws_profile_name: string | null = null;

  @Field(optionalText())
  aws_role_name: string | null = null;

  @Field(optionalText())
  aws_session_name: string | null = null;

  @Field(optionalText())
  aws_bedrock_runtime_endpoint: string | null = null;

  @Field(text())
  openrouter_site_url = 'https://docs.all-hands.dev/';

  @Field(text())
  openrouter_app_name = 'OpenHands';

  @Field(integer({ ge: 0 }), 'Attempts in total; 0 counts as one.')
  num_retries = 5;

  @Field(decimal({ ge: 0 }))
  retry_multiplier = 8;

  @Field(integer({ ge: 0 }), 'Seconds.')
  retry_min_wait = 8;

  @Field(integer({ ge: 0 }), 'Seconds.')
  retry_max_wait = 64;

  @Field(nullable(integer({ ge: 0 })), 'Seconds per attempt.')
  timeout: number | null = 300;

  @Field(nullable(decimal({ ge: 0 })), 'Seconds without a chunk.')
  stream_idle_timeout: number | null = 300;

  @Field(integer({ ge: 1 }))
  max_message_chars = 30_000;

  @Field(nullable(decimal({ ge: 0 })))
  temperature: number | null = null;

  @Field(nullable(decimal({ ge: 0, le: 1 })))
  top_p: number | null = null;

  @Field(nullable(decimal({ ge: 0 })))
  top_k: number | null = null;

  @Field(nullable(integer({ ge: 1 })))
  max_input_tokens: number | null = null;

  @Field(nullable(integer({ ge: 1 })))
  max_output_tokens: number | null = null;

  @Field(optionalText())
  model_canonical_name: string | null = null;

  @Field(choice(['auto', 'chat', 'responses']))
  api_mode = 'auto';

  @Field(recordOf(override))
  capability_overrides: Record<string, boolean | string> = {};

  @Field(nullable(recordOf(text())))
  extra_headers: Record<string, string> | null = null;

  @Field(nullable(decimal({ ge: 0 })), 'US dollars; null: from the price catalogue.')
  input_cost_per_token: number | null = null;

  @Field(nullable(decimal({ ge: 0 })), 'US dollars; null: from the price catalogue.')
  output_cost_per_token: number | null = null;

  @Field(optionalText())
  ollama_base_url: string | null = null;

  @Field(flag())
  stream = false;

  @Field(flag())
  drop_params = true;

  @Field(nullable(flag()))
  disable_vision: boolean | null = null;

  @Field(nullable(flag()))
  disable_stop_word: boolean | null = false;

  @Field(flag())
  caching_prompt = true;

  @Field(flag())
  log_completions = false;

  @Field(text())
  log_completions_folder = 'logs/completions';

  @Field(optionalText())
  custom_tokenizer: string | null = null;

  @Field(flag())
  native_tool_calling = true;

  @Field(nullable(flag()))
  force_string_serializer: boolean | null = null;

  @Field(nullable(flag()))
  inline_image_urls: boolean | null = null;

  @Field(nullable(choice(['low', 'medium', 'high', 'xhigh', 'none'])))
  reasoning_effort: string | null = 'high';

  @Field(nullable(choice(['auto', 'concise', 'detailed'])))
  reasoning_summary: string | null = null;

  @Field(flag())
  enable_encrypted_reasoning = true;

  @Field(optionalText())
  prompt_cache_retention: string | null = '24h';

  @Field(nullable(integer()))
  extended_thinking_budget: number | null = 200_000;

  @Field(nullable(integer()))
  seed: number | null = null;

  @Field(text(), 'The bucket that usage and cost are counted in.')
  usage_id = 'default';

  @Field(anyObject(), 'Merged into the body of each request to the provider.')
  litellm_extra_body: JsonObject = {};

  @Field(nullable(model(FallbackStrategyDto, { className: 'FallbackStrategy' })))
  fallback_strategy: FallbackStrategyDto | null = null;
}

/** An LLM that names its model. */
export function llm(className: string | undefined = 'LLM'): FieldType {
  return model(LLMDto, {
    className,
    before: (source) => (isBlank(source['model']) ? 'model must be specified in LLM' : undefined),
  });
}

const isBlank = (name: unknown): boolean => name === undefined || name === null || name === '';
