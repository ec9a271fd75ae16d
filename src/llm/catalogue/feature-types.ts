/** How thinking is configured for a Claude model. */
export type ThinkingMode = 'none' | 'manual' | 'adaptive';

/** The features of a model on which requests depend. */
export interface ModelFeatures {
  /** A Claude model, regardless of the provider. */
  claude: boolean;
  vision: boolean;
  /** Accepts `reasoning_effort` or an equivalent. */
  reasoningEffort: boolean;
  thinking: ThinkingMode;
  /** Accepts sampling parameters such as temperature. */
  sampling: boolean;
  /** Accepts `cache_control` marks. */
  cacheMarks: boolean;
  /** Expects its `reasoning_content` to be sent back. */
  echoReasoning: boolean;
  responsesApi: boolean;
  /** Accepts content only as one string, not as a list of parts. */
  plainStrings: boolean;
  /** Accepts stop sequences. */
  stopWords: boolean;
  /** Accepts `prompt_cache_key`; undefined: depends on the provider. */
  cacheKey?: boolean;
  /** Needs image data in the request instead of URLs. */
  inlineImages: boolean;
  /** Accepts `prompt_cache_retention`. */
  cacheRetention: boolean;
  /** Limit of input tokens; null if unknown. */
  maxInputTokens: number | null;
  /** Limit of output tokens; null if unknown. */
  maxOutputTokens: number | null;
}
