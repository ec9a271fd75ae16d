import {
  model,
  Field,
  type FieldType,
  anyObject,
  choice,
  decimal,
  flag,
  integer,
  listOf,
  nullable,
  recordOf,
  shortText,
  text,
} from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import { secretText } from './secret-text.js';

const optionalText = (): FieldType => nullable(shortText());

/** The value of a capability override. */
const override: FieldType = {
  read: (raw) => raw,
  problems: (value) =>
    typeof value === 'boolean' || typeof value === 'string'
      ? []
      : [{ type: 'string_type', msg: 'Input should be a valid boolean or string' }],
  schema: () => ({ anyOf: [{ type: 'boolean' }, { type: 'string' }] }),
};

/** The common values. Providers have others, which are accepted. */
const effort: FieldType = {
  ...text(),
  schema: () => choice(['low', 'medium', 'high', 'xhigh', 'none']).schema(),
};

/** Models to try when this one fails. */
class FallbackStrategyDto {
  @Field(listOf(text()), 'Names of LLM profiles.')
  fallback_llms!: string[];

  @Field(optionalText())
  profile_store_dir: string | null = null;
}

/** A model and how to call it. Names and defaults are those of LiteLLM and the OpenHands SDK. */
export class LLMDto {
  @Field(shortText(), 'LiteLLM style: provider/model.')
  model = 'gpt-5.6';

  @Field(secretText(), 'The key of the provider.')
  api_key: string | null = null;

  @Field(optionalText(), 'A provider connection that supplies the API key and the base URL.')
  provider_connection_id: string | null = null;

  @Field(choice(['api_key', 'subscription']), 'Authenticate by API key or by a subscription of the provider.')
  auth_type = 'api_key';

  @Field(nullable(choice(['openai'])), 'The provider of the subscription.')
  subscription_vendor: string | null = null;

  @Field(optionalText(), "Replaces the provider's URL.")
  base_url: string | null = null;

  @Field(optionalText(), 'The API version (Azure).')
  api_version: string | null = null;

  @Field(secretText())
  aws_access_key_id: string | null = null;

  @Field(secretText())
  aws_secret_access_key: string | null = null;

  @Field(secretText())
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

  @Field(text(), 'The site that is reported to OpenRouter.')
  openrouter_site_url = 'https://docs.all-hands.dev/';

  @Field(text(), 'The application name that is reported to OpenRouter.')
  openrouter_app_name = 'OpenHands';

  @Field(integer({ ge: 0 }), 'Total number of attempts; 0 counts as 1.')
  num_retries = 5;

  @Field(
    decimal({ ge: 0 }),
    'Length of the first pause between attempts in seconds; each further pause is twice as long.',
  )
  retry_multiplier = 8;

  @Field(integer({ ge: 0 }), 'Minimum pause in seconds.')
  retry_min_wait = 8;

  @Field(integer({ ge: 0 }), 'Maximum pause in seconds.')
  retry_max_wait = 64;

  @Field(nullable(integer({ ge: 0 })), 'Time limit of one attempt in seconds.')
  timeout: number | null = 300;

  @Field(nullable(decimal({ ge: 0 })), 'Maximum time between two chunks of a stream in seconds.')
  stream_idle_timeout: number | null = 300;

  @Field(integer({ ge: 1 }), 'Maximum length of a text in a message; longer ones are truncated.')
  max_message_chars = 30_000;

  @Field(nullable(decimal({ ge: 0 })), "Sampling temperature; null: the provider's default.")
  temperature: number | null = null;

  @Field(nullable(decimal({ ge: 0, le: 1 })), "Nucleus sampling probability; null: the provider's default.")
  top_p: number | null = null;

  @Field(
    nullable(decimal({ ge: 0 })),
    "Number of most likely tokens to sample from; null: the provider's default.",
  )
  top_k: number | null = null;

  @Field(nullable(integer({ ge: 1 })), 'Context window in tokens; null: from the model catalogue.')
  max_input_tokens: number | null = null;

  @Field(nullable(integer({ ge: 1 })), 'Maximum tokens of an answer; null: from the model catalogue.')
  max_output_tokens: number | null = null;

  @Field(optionalText(), 'The known model whose capabilities apply, for a model with another name.')
  model_canonical_name: string | null = null;

  @Field(
    choice(['auto', 'chat', 'responses']),
    'The API of the provider; `auto`: the one that fits the model.',
  )
  api_mode = 'auto';

  @Field(recordOf(override), 'Overrides the known capabilities of the model, by name.')
  capability_overrides: Record<string, boolean | string> = {};

  @Field(nullable(recordOf(text(), { secret: true })), 'Additional headers of each request.')
  extra_headers: Record<string, string> | null = null;

  @Field(nullable(decimal({ ge: 0 })), 'US dollars; null: from the price catalogue.')
  input_cost_per_token: number | null = null;

  @Field(nullable(decimal({ ge: 0 })), 'US dollars; null: from the price catalogue.')
  output_cost_per_token: number | null = null;

  @Field(optionalText(), 'The URL of an Ollama server.')
  ollama_base_url: string | null = null;

  @Field(flag(), 'Stream answers.')
  stream = false;

  @Field(flag(), 'Leave out parameters that the model does not support.')
  drop_params = true;

  @Field(nullable(flag()), 'Do not send images, even if the model supports them.')
  disable_vision: boolean | null = null;

  @Field(nullable(flag()), 'Do not send stop sequences.')
  disable_stop_word: boolean | null = false;

  @Field(flag(), 'Use prompt caching of the provider.')
  caching_prompt = true;

  @Field(flag())
  log_completions = false;

  @Field(text())
  log_completions_folder = 'logs/completions';

  @Field(optionalText(), 'The tokenizer for counting tokens.')
  custom_tokenizer: string | null = null;

  @Field(flag(), "Use the model's native tool calls.")
  native_tool_calling = true;

  @Field(nullable(flag()), 'Send content as text instead of a list of blocks; null: depends on the model.')
  force_string_serializer: boolean | null = null;

  @Field(nullable(flag()), 'Send image data instead of image URLs; null: depends on the model.')
  inline_image_urls: boolean | null = null;

  @Field(nullable(effort), 'Reasoning effort: none, low, medium, high or xhigh.')
  reasoning_effort: string | null = 'high';

  @Field(nullable(choice(['auto', 'concise', 'detailed'])), 'Level of detail of reasoning summaries.')
  reasoning_summary: string | null = null;

  @Field(flag(), 'Request encrypted reasoning, which can be sent back to the model.')
  enable_encrypted_reasoning = true;

  @Field(optionalText(), 'How long the provider caches prompts.')
  prompt_cache_retention: string | null = '24h';

  @Field(nullable(integer()), 'Thinking budget in tokens, for models that require one.')
  extended_thinking_budget: number | null = 200_000;

  @Field(nullable(integer()), 'Makes answers reproducible if the model supports it.')
  seed: number | null = null;

  @Field(text(), 'The id under which usage and cost are counted.')
  usage_id = 'default';

  @Field(anyObject({ secret: true }), 'Merged into the body of each request to the provider.')
  litellm_extra_body: JsonObject = {};

  @Field(nullable(model(FallbackStrategyDto, { className: 'FallbackStrategy' })))
  fallback_strategy: FallbackStrategyDto | null = null;
}

/** An LLM whose `model` is required. */
export function llm(className: string | undefined = 'LLM'): FieldType {
  return model(LLMDto, {
    className,
    before: (source) => (isBlank(source['model']) ? 'model must be specified in LLM' : undefined),
  });
}

const isBlank = (name: unknown): boolean => name === undefined || name === null || name === '';
