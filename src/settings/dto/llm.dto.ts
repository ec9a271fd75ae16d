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
  @Field(
    listOf(text()),
    'Names of LLM profiles, asked in this order after the model has finally failed with a transient error.',
  )
  fallback_llms!: string[];

  @Field(optionalText(), 'Stored but not used: LLM profiles come from the settings of the server.')
  profile_store_dir: string | null = null;
}

/** A model and how to call it. Names and defaults are those of LiteLLM and the OpenHands SDK. */
export class LLMDto {
  @Field(
    shortText(),
    'Name of the model as `provider/model`, such as `anthropic/claude-sonnet-5`. An unknown provider is ' +
      'refused.',
  )
  model = 'gpt-5.6';

  @Field(
    secretText(),
    'Key for the API of the provider; null: none, for providers that need none. Answers show it masked.',
  )
  api_key: string | null = null;

  @Field(
    optionalText(),
    'Id of a provider connection that supplies the API key and the base URL; null: this model has its own.',
  )
  provider_connection_id: string | null = null;

  @Field(
    choice(['api_key', 'subscription']),
    '`api_key`: authenticate with `api_key`. `subscription`: with the subscription that a user has signed in ' +
      'to.',
  )
  auth_type = 'api_key';

  @Field(
    nullable(choice(['openai'])),
    'Provider of the subscription, if `auth_type` is `subscription`; null otherwise.',
  )
  subscription_vendor: string | null = null;

  @Field(optionalText(), "URL of the API that replaces that of the provider; null: the provider's.")
  base_url: string | null = null;

  @Field(
    optionalText(),
    'Version of the API of Azure; null: `2024-12-01-preview`. Other providers ignore it.',
  )
  api_version: string | null = null;

  @Field(
    secretText(),
    'Access key for Bedrock; null: the usual sources of AWS, such as environment and profile.',
  )
  aws_access_key_id: string | null = null;

  @Field(secretText(), 'Secret that belongs to `aws_access_key_id`; null: none.')
  aws_secret_access_key: string | null = null;

  @Field(secretText(), 'Session token of temporary AWS credentials; null: none.')
  aws_session_token: string | null = null;

  @Field(
    optionalText(),
    'AWS region of Bedrock, such as `eu-central-1`; null: that of the environment or the AWS profile.',
  )
  aws_region_name: string | null = null;

  @Field(
    optionalText(),
    'Profile in the AWS configuration files of the server; null: `AWS_PROFILE`, else `default`.',
  )
  aws_profile_name: string | null = null;

  @Field(optionalText(), 'ARN of an AWS role to assume before Bedrock is called; null: no role.')
  aws_role_name: string | null = null;

  @Field(optionalText(), 'Name of the session when `aws_role_name` is assumed; null: a name of this server.')
  aws_session_name: string | null = null;

  @Field(
    optionalText(),
    'URL that replaces the endpoint of Bedrock; takes precedence over `base_url`. Null: that of the region.',
  )
  aws_bedrock_runtime_endpoint: string | null = null;

  @Field(text(), 'Address of the application that OpenRouter is told in the header `http-referer`.')
  openrouter_site_url = 'https://docs.all-hands.dev/';

  @Field(text(), 'Name of the application that OpenRouter is told in the header `x-title`.')
  openrouter_app_name = 'OpenHands';

  @Field(integer({ ge: 0 }), 'Total number of attempts of a call; 0 counts as 1.')
  num_retries = 5;

  @Field(
    decimal({ ge: 0 }),
    'Length of the first pause between attempts in seconds; each further pause is twice as long.',
  )
  retry_multiplier = 8;

  @Field(integer({ ge: 0 }), 'Minimum pause between attempts in seconds.')
  retry_min_wait = 8;

  @Field(integer({ ge: 0 }), 'Maximum pause between attempts in seconds.')
  retry_max_wait = 64;

  @Field(nullable(integer({ ge: 0 })), 'Time limit of one attempt in seconds; null: no limit.')
  timeout: number | null = 300;

  @Field(
    nullable(decimal({ ge: 0 })),
    'Maximum time between two chunks of a stream in seconds; null: no limit.',
  )
  stream_idle_timeout: number | null = 300;

  @Field(integer({ ge: 1 }), 'Stored but not used: results of tools have limits of their own.')
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

  @Field(
    optionalText(),
    "Known model whose limits, features and prices apply, for a model with another name; null: the model's " +
      'own name.',
  )
  model_canonical_name: string | null = null;

  @Field(
    choice(['auto', 'chat', 'responses']),
    'API of the provider: `responses` or `chat`; `auto`: the one that fits the model.',
  )
  api_mode = 'auto';

  @Field(
    recordOf(override),
    'Overrides known capabilities of the model, by name, such as `supports_vision`. Unknown names are ' +
      'ignored.',
  )
  capability_overrides: Record<string, boolean | string> = {};

  @Field(
    nullable(recordOf(text(), { secret: true })),
    'Additional headers of each request; they override headers of the server with the same name. Null: none.',
  )
  extra_headers: Record<string, string> | null = null;

  @Field(
    nullable(decimal({ ge: 0 })),
    'Price of an input token in US dollars; null: from the price catalogue. Applies if both prices are set.',
  )
  input_cost_per_token: number | null = null;

  @Field(
    nullable(decimal({ ge: 0 })),
    'Price of an output token in US dollars; null: from the price catalogue. Applies if both prices are set.',
  )
  output_cost_per_token: number | null = null;

  @Field(optionalText(), 'URL of an Ollama server, used if there is no `base_url`; null: the default one.')
  ollama_base_url: string | null = null;

  @Field(flag(), 'Stream answers: clients receive pieces as `StreamingDeltaEvent`.')
  stream = false;

  @Field(flag(), 'Leave out parameters that the model does not support; false: they are an error.')
  drop_params = true;

  @Field(nullable(flag()), 'Do not send images, even if the model supports them. Null counts as false.')
  disable_vision: boolean | null = null;

  @Field(
    nullable(flag()),
    'Do not send a stop sequence after a call, for models without native tool calls. Null counts as false.',
  )
  disable_stop_word: boolean | null = false;

  @Field(flag(), 'Mark what the provider should cache in prompts, for models of Anthropic.')
  caching_prompt = true;

  @Field(
    flag(),
    'Store each call of the model as an `LLMCompletionLogEvent`, with request and response, without secrets.',
  )
  log_completions = false;

  @Field(text(), 'Stored but not used: calls are logged as events.')
  log_completions_folder = 'logs/completions';

  @Field(optionalText(), 'Stored but not used: tokens are estimated.')
  custom_tokenizer: string | null = null;

  @Field(
    flag(),
    "Use the model's own tool calls; false: tools are described in the prompt and calls are read from the " +
      'text.',
  )
  native_tool_calling = true;

  @Field(nullable(flag()), 'Send content as text instead of a list of blocks; null: depends on the model.')
  force_string_serializer: boolean | null = null;

  @Field(nullable(flag()), 'Send image data instead of image URLs; null: depends on the model.')
  inline_image_urls: boolean | null = null;

  @Field(
    nullable(effort),
    'How much the model reasons before it answers: none, low, medium, high, xhigh, or another level that the ' +
      'provider has. Null: not sent.',
  )
  reasoning_effort: string | null = 'high';

  @Field(
    nullable(choice(['auto', 'concise', 'detailed'])),
    'Level of detail of the summary of the reasoning that the provider returns; null: no summary.',
  )
  reasoning_summary: string | null = null;

  @Field(flag(), 'Request encrypted reasoning, which can be sent back to the model.')
  enable_encrypted_reasoning = true;

  @Field(
    optionalText(),
    'How long OpenAI keeps a cached prompt, such as `24h`; null: its default. Other providers ignore it.',
  )
  prompt_cache_retention: string | null = '24h';

  @Field(nullable(integer()), 'Thinking budget in tokens, for Claude models that require one; null: none.')
  extended_thinking_budget: number | null = 200_000;

  @Field(nullable(integer()), 'Makes answers more reproducible if the model supports it; null: not sent.')
  seed: number | null = null;

  @Field(
    text(),
    'Entry of the statistics of the conversation under which usage and cost of this model are counted.',
  )
  usage_id = 'default';

  @Field(
    anyObject({ secret: true }),
    'Merged into the body of each request to the provider, such as `{"service_tier": "flex"}`.',
  )
  litellm_extra_body: JsonObject = {};

  @Field(
    nullable(model(FallbackStrategyDto, { className: 'FallbackStrategy' })),
    'Models to try when this one has failed finally with a transient error; null: none.',
  )
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
