/** A parsed model name in LiteLLM style. */
interface ModelName {
  /** The prefix, or the provider implied by a bare name; empty if unknown. */
  provider: string;
  /** The provider's own name of the model. */
  model: string;
}

/** Bare names that need no prefix (https://docs.litellm.ai/docs/providers/openai and /anthropic). */
const BARE_NAMES: readonly [RegExp, string][] = [
  [/^claude-/, 'anthropic'],
  [/^(gpt-|chatgpt-|codex-|o[1-9](-|$))/, 'openai'],
];

/**
 * Splits `provider/model`. Only the first part is the provider: `openrouter/anthropic/claude-sonnet-4` goes
 * to openrouter, which calls it `anthropic/claude-sonnet-4`.
 */
export function parseModelName(name: string): ModelName {
  const slash = name.indexOf('/');
  if (slash > 0) return { provider: name.slice(0, slash), model: name.slice(slash + 1) };
  const bare = BARE_NAMES.find(([pattern]) => pattern.test(name));
  return { provider: bare?.[1] ?? '', model: name };
}
