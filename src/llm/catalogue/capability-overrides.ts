import type { JsonObject } from '../../json/index.js';
import type { ModelFeatures, ThinkingMode } from './feature-types.js';

/** The features that a config can override, by the original's names. */
const SWITCHES: Readonly<Record<string, keyof ModelFeatures & SwitchName>> = {
  supports_vision: 'vision',
  supports_reasoning_effort: 'reasoningEffort',
  supports_sampling_params: 'sampling',
  supports_prompt_cache: 'cacheMarks',
  supports_prompt_cache_key: 'cacheKey',
  supports_prompt_cache_retention: 'cacheRetention',
  supports_stop_words: 'stopWords',
  supports_responses_api: 'responsesApi',
  send_reasoning_content: 'echoReasoning',
  force_string_serializer: 'plainStrings',
  requires_inline_image_data: 'inlineImages',
};

type SwitchName =
  | 'vision'
  | 'reasoningEffort'
  | 'sampling'
  | 'cacheMarks'
  | 'cacheKey'
  | 'cacheRetention'
  | 'stopWords'
  | 'responsesApi'
  | 'echoReasoning'
  | 'plainStrings'
  | 'inlineImages';

/** Applies `capability_overrides` of a config. Unknown names are ignored. */
export function withOverrides(features: ModelFeatures, overrides: JsonObject): ModelFeatures {
  const changed = { ...features };
  for (const [name, value] of Object.entries(overrides)) {
    const field = Object.hasOwn(SWITCHES, name) ? SWITCHES[name] : undefined;
    const isOn = readSwitch(value);
    if (field !== undefined && isOn !== undefined) changed[field] = isOn;
    if (name === 'thinking_mode' && isThinkingMode(value)) changed.thinking = value;
    if (name === 'supports_extended_thinking' && isOn !== undefined)
      changed.thinking = isOn ? 'manual' : 'none';
  }
  return changed;
}

function readSwitch(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return undefined;
  return { true: true, false: false }[value.toLowerCase()];
}

function isThinkingMode(value: unknown): value is ThinkingMode {
  return value === 'none' || value === 'manual' || value === 'adaptive';
}
