/** How a Claude model is told to think. */
export type ThinkingMode = 'none' | 'manual' | 'adaptive';

/** What a model can do, as far as a request depends on it. */
export interface ModelFeatures {
  /** Claude, whoever serves it. */
  claude: boolean;
  vision: boolean;
  /** Takes `reasoning_effort` or its like. */
  reasoningEffort: boolean;
  thinking: ThinkingMode;
  /** Takes temperature and its like. */
  sampling: boolean;
  /** Takes `cache_control` marks. */
  cacheMarks: boolean;
  /** Wants its own `reasoning_content` back. */
  echoReasoning: boolean;
  responsesApi: boolean;
  /** Takes content only as one string, not as a list of parts. */
  plainStrings: boolean;
  /** Takes words that end an answer. */
  stopWords: boolean;
  /** Takes `prompt_cache_key`; undefined: as its provider does. */
  cacheKey?: boolean;
  /** Wants images in the request, not their addresses. */
  inlineImages: boolean;
  /** Takes `prompt_cache_retention`. */
  cacheRetention: boolean;
  /** Tokens of a request; null: not known. */
  maxInputTokens: number | null;
  /** Tokens of an answer; null: not known. */
  maxOutputTokens: number | null;
}
