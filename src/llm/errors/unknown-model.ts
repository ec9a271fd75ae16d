/** The prefixes of well-known model names, for people who omit the prefix. */
const FAMILIES: readonly [RegExp, string][] = [
  [/^gemini-/, 'gemini'],
  [/^deepseek-/, 'deepseek'],
  [/^(mistral|codestral|magistral|devstral|ministral|pixtral)-/, 'mistral'],
  [/^grok-/, 'xai'],
  [/^(kimi|moonshot)-/, 'moonshot'],
  [/^([a-z]{2,6}\.)?(anthropic|amazon|meta|cohere)\./, 'bedrock'],
  [/^(llama|qwen|gemma|phi|gpt-oss)/, 'ollama'],
];

/** Maximum number of suggestions. */
const SUGGESTIONS = 3;

/**
 * The error text for a model that no provider serves, with similar names and the list of providers.
 * @param prefixes of all providers
 */
export function unknownModel(name: string, prefixes: readonly string[]): string {
  const shown = name.trim().slice(0, 200);
  const close = closestNames(shown, prefixes)
    .map((suggestion) => `'${suggestion}'`)
    .join(', ');
  return (
    `No provider serves a model named '${shown}'.${close === '' ? '' : ` Did you mean ${close}?`} ` +
    `A model is named provider/model; providers are ${prefixes.join(', ')}. ` +
    "A server that speaks OpenAI's protocol is openai/model with its base_url."
  );
}

function closestNames(name: string, prefixes: readonly string[]): string[] {
  const slash = name.indexOf('/');
  if (slash < 0) {
    const bare = name.toLowerCase();
    return FAMILIES.filter(([pattern]) => pattern.test(bare)).map(([, prefix]) => `${prefix}/${name}`);
  }
  const prefix = name.slice(0, slash).toLowerCase();
  const close = prefixes
    .map((candidate) => ({ candidate, distance: editDistance(prefix, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, candidate.length / 3))
    .sort((one, other) => one.distance - other.distance);
  return close.slice(0, SUGGESTIONS).map(({ candidate }) => `${candidate}${name.slice(slash)}`);
}

/** The Levenshtein distance of two words. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let index = 0; index < from.length; index++) {
    const next = [index + 1];
    for (let column = 0; column < to.length; column++) {
      const change = (row[column] ?? 0) + (from[index] === to[column] ? 0 : 1);
      next.push(Math.min(change, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
