import type { LlmConfig } from '../../llm/index.js';
import type { PromptSection } from './sections.js';

/** The model family for prompt templates; names as in the OpenHands SDK. */
interface ModelFamily {
  family?: 'anthropic_claude' | 'google_gemini' | 'openai_gpt';
  /** Variant within the family, where it matters. */
  variant?: 'gpt-5' | 'gpt-5-codex';
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

/** The family of a configured model; `model_canonical_name` takes precedence. */
export function modelFamily({ model, model_canonical_name: canonicalName }: LlmConfig): ModelFamily {
  const name = (canonicalName ?? model).toLowerCase();
  if (name.includes('claude')) return { family: 'anthropic_claude' };
  if (name.includes('gemini')) return { family: 'google_gemini' };
  if (!name.includes('gpt-')) return {};
  if (!name.includes('gpt-5')) return { family: 'openai_gpt' };
  return { family: 'openai_gpt', variant: name.includes('codex') ? 'gpt-5-codex' : 'gpt-5' };
}

/** The advice section for a model; undefined if there is none. */
export function modelSection(llm: LlmConfig): PromptSection | undefined {
  const { family, variant } = modelFamily(llm);
  const text = ADVICE[variant ?? family ?? ''];
  return text === undefined ? undefined : { tag: 'IMPORTANT', text };
}
