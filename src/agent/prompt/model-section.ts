import { asText, type JsonObject } from '../../json/index.js';
import type { LlmConfig } from '../../llm/index.js';
import type { PromptSection } from './sections.js';

/** The model family for prompt templates; names as in the OpenHands SDK. */
interface ModelFamily {
  family?: string;
  /** Variant within the family, where it matters. */
  variant?: string;
}

/** Advice for the typical weaknesses of a model family. */
const ADVICE: Readonly<Record<string, string>> = {
  anthropic_claude: `* Do what was asked: no step more, none less.
* Let mistakes in configuration fail where they are. No fallbacks and default values that hide them.
* Ask before a change that could break those who use the code, when nobody has said whether that matters.`,
  google_gemini: `* Do all that was asked and nothing beyond it: a question wants an answer, a task wants it done. Leave further steps to the user.`,
  'gpt-5': `* Say what you are about to do in one short, friendly sentence before each tool call. Be brief about the rest, and name what you take for granted.
* Try to reach files, programs and the network with your tools before you say that you cannot. Answer a review
* comment in its own thread: with the API of GitHub, a comment with \`in_reply_to\` set to the id of the first
* one.`,
  'gpt-5-codex': `* Be brief, and name what you take for granted.
* Try to reach files, programs and the network with your tools before you say that you cannot.`,
};

/** Parts of model names by family, in the order in which they are looked for. */
const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  openai_gpt: ['gpt-', 'o1', 'o3', 'o4'],
  anthropic_claude: ['claude'],
  google_gemini: ['gemini'],
  meta_llama: ['llama'],
  mistral: ['mistral'],
  deepseek: ['deepseek'],
  alibaba_qwen: ['qwen'],
};

/**
 * The family of a configured model, from its name or else its canonical name. Options of the prompt template
 * take precedence.
 */
export function modelFamily(
  { model, model_canonical_name: canonicalName }: LlmConfig,
  { model_family: family, model_variant: variant }: JsonObject = {},
): ModelFamily {
  const found = familyOf(model) ?? familyOf(canonicalName ?? '');
  const detail = found === 'openai_gpt' ? gptVariant((canonicalName ?? model).toLowerCase()) : undefined;
  return { family: asText(family) ?? found, variant: asText(variant) ?? detail };
}

function familyOf(name: string): string | undefined {
  const lower = name.toLowerCase();
  const [found] =
    Object.entries(FAMILIES).find(([, parts]) => parts.some((part) => lower.includes(part))) ?? [];
  return found;
}

function gptVariant(name: string): string | undefined {
  if (!name.includes('gpt-5')) return undefined;
  return name.includes('codex') ? 'gpt-5-codex' : 'gpt-5';
}

/** The advice section for a model; undefined if there is none. */
export function modelSection(llm: LlmConfig, options: JsonObject): PromptSection | undefined {
  const { family, variant } = modelFamily(llm, options);
  const advice = [family, variant].flatMap((name) => ADVICE[name ?? ''] ?? []);
  return advice.length === 0 ? undefined : { tag: 'IMPORTANT', text: advice.join('\n') };
}
