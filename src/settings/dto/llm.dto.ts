import { model } from '../../http/validation/dto.js';
import { Field } from '../../http/validation/field.js';
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
  shortText,
  text,
} from '../../http/validation/field-type.js';
import type { JsonObject } from '../../json/index.js';
import { secretText } from './secret-text.js';

const optionalText = (): FieldType => nullable(shortText());

/** True, false, or a word: what a model can do beyond what is known of it. */
const override: FieldType = {
  read: (raw) => raw,
  problems: (value) =>
    typeof value === 'boolean' || typeof value === 'string'
      ? []
      : [{ type: 'string_type', msg: 'Input should be a valid boolean or string' }],
  schema: () => ({ anyOf: [{ type: 'boolean' }, { type: 'string' }] }),
};

/** The usual words; providers have others, and new ones. */
const effort: FieldType = {
  ...text(),
  schema: () => choice(['low', 'medium', 'high', 'xhigh', 'none']).schema(),
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
  @Field(shortText(), 'LiteLLM style: provider/model.')
  model = 'gpt-5.6';

  @Field(secretText(), 'The key of the provider.')
  api_key: string | null = null;

  @Field(optionalText(), 'A provider connection whose key and address are used instead of own ones.')
  provider_connection_id: string | null = null;

  @Field(choice(['api_key', 'subscription']), 'A key, or a subscription of the provider.')
  auth_type = 'api_key';

  @Field(nullable(choice(['openai'])), 'Whose subscription it is.')
  subscription_vendor: string | null = null;

  @Field(optionalText(), 'Another address than that of the provider.')
  base_url: string | null = null;

  @Field(optionalText(), 'The version of the API, for Azure.')
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

  @Field(text(), 'What OpenRouter is told of the caller: its site.')
  openrouter_site_url = 'https://docs.all-hands.dev/';

  @Field(text(), 'What OpenRouter is told of the caller: its name.')
  openrouter_app_name = 'OpenHands';

  @Field(integer({ ge: 0 }), 'Attempts in total; 0 counts as one.')
  num_retries = 5;

  @Field(decimal({ ge: 0 }), 'Seconds that the first wait takes; each further one takes twice as long.')
  retry_multiplier = 8;

  @Field(integer({ ge: 0 }), 'Seconds that a wait takes at least.')
  retry_min_wait = 8;

  @Field(integer({ ge: 0 }), 'Seconds that a wait takes at most.')
  retry_max_wait = 64;

  @Field(nullable(integer({ ge: 0 })), 'Seconds per attempt.')
  timeout: number | null = 300;

  @Field(nullable(decimal({ ge: 0 })), 'Seconds without a chunk.')
  stream_idle_timeout: number | null = 300;

  @Field(integer({ ge: 1 }), 'Longer texts are cut before the model gets them.')
  max_message_chars = 30_000;

  @Field(
    nullable(decimal({ ge: 0 })),
    'How freely the model chooses its words; null: the default of the provider.',
  )
  temperature: number | null = null;

  @Field(
    nullable(decimal({ ge: 0, le: 1 })),
    'The share of likely words that the model chooses from; null: the default of the provider.',
  )
  top_p: number | null = null;

  @Field(
    nullable(decimal({ ge: 0 })),
    'How many likely words the model chooses from; null: the default of the provider.',
  )
  top_k: number | null = null;

  @Field(nullable(integer({ ge: 1 })), 'Tokens that the model takes; null: what is known of it.')
  max_input_tokens: number | null = null;

  @Field(nullable(integer({ ge: 1 })), 'Tokens that an answer may have; null: what is known of the model.')
  max_output_tokens: number | null = null;

  @Field(optionalText(), 'A known model whose abilities count, for one behind another name.')
  model_canonical_name: string | null = null;

  @Field(
    choice(['auto', 'chat', 'responses']),
    'Which API of the provider is called; `auto`: the one that suits the model.',
  )
  api_mode = 'auto';

  @Field(recordOf(override), 'What the model can do beyond what is known of it, by ability.')
  capability_overrides: Record<string, boolean | string> = {};

  @Field(nullable(recordOf(text(), { secret: true })), 'Headers that are sent with each request.')
  extra_headers: Record<string, string> | null = null;

  @Field(nullable(decimal({ ge: 0 })), 'US dollars; null: from the price catalogue.')
  input_cost_per_token: number | null = null;

  @Field(nullable(decimal({ ge: 0 })), 'US dollars; null: from the price catalogue.')
  output_cost_per_token: number | null = null;

  @Field(optionalText(), 'The address of an Ollama server.')
  ollama_base_url: string | null = null;

  @Field(flag(), 'Let answers be seen while they are written.')
  stream = false;

  @Field(flag(), 'Leave out what the model does not take.')
  drop_params = true;

  @Field(nullable(flag()), 'Send no images, even to a model that takes them.')
  disable_vision: boolean | null = null;

  @Field(nullable(flag()), 'Send no stop words.')
  disable_stop_word: boolean | null = false;

  @Field(flag(), 'Let the provider keep what each request begins with.')
  caching_prompt = true;

  @Field(flag())
  log_completions = false;

  @Field(text())
  log_completions_folder = 'logs/completions';

  @Field(optionalText(), 'The tokenizer that tokens are counted with.')
  custom_tokenizer: string | null = null;

  @Field(flag(), 'Use the tool calls of the model.')
  native_tool_calling = true;

  @Field(nullable(flag()), 'Send texts instead of lists of blocks; null: as the model wants it.')
  force_string_serializer: boolean | null = null;

  @Field(nullable(flag()), 'Send images themselves instead of their addresses; null: as the model wants it.')
  inline_image_urls: boolean | null = null;

  @Field(nullable(effort), 'How much the model thinks: none, low, medium, high or xhigh.')
  reasoning_effort: string | null = 'high';

  @Field(nullable(choice(['auto', 'concise', 'detailed'])), 'How much of its thoughts is told.')
  reasoning_summary: string | null = null;

  @Field(flag(), 'Ask for thoughts in a form that can be sent back.')
  enable_encrypted_reasoning = true;

  @Field(optionalText(), 'How long the provider keeps what requests begin with.')
  prompt_cache_retention: string | null = '24h';

  @Field(nullable(integer()), 'Tokens for thoughts, for models that want a number.')
  extended_thinking_budget: number | null = 200_000;

  @Field(nullable(integer()), 'Makes answers repeatable, where the model can.')
  seed: number | null = null;

  @Field(text(), 'The bucket that usage and cost are counted in.')
  usage_id = 'default';

  @Field(anyObject({ secret: true }), 'Merged into the body of each request to the provider.')
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
