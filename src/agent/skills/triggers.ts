import type { Skill } from './skill.js';

/**
 * A longer word brings nothing in (characters): it comes from a repository, and nobody writes such a message.
 */
const MAX_WORD = 200;

const ALPHANUMERIC = /^[\p{L}\p{N}]$/u;

/** The first trigger of a skill that stands in a text; undefined for skills that no text brings in. */
export function matchedTrigger(skill: Pick<Skill, 'trigger'>, text: string): string | undefined {
  const { trigger } = skill;
  if (!trigger || trigger.type === 'path') return undefined;
  const words = trigger.type === 'keyword' ? trigger.keywords : trigger.triggers;
  const lower = text.toLowerCase();
  return words.find((word) => containsLowerCase(lower, word));
}

/**
 * Whether a word stands in a text as a whole: no letter or digit before or behind it. Case does not matter.
 * The time it takes grows with the length of the text only, because no word is longer than `MAX_WORD`.
 */
export function containsWord(text: string, word: string): boolean {
  return containsLowerCase(text.toLowerCase(), word);
}

/** @param whole in lower case */
function containsLowerCase(whole: string, word: string): boolean {
  const wanted = word.trim().toLowerCase();
  if (wanted === '' || wanted.length > MAX_WORD) return false;
  for (let at = whole.indexOf(wanted); at !== -1; at = whole.indexOf(wanted, at + 1)) {
    if (isWordBoundary(characterBefore(whole, at)) && isWordBoundary(characterAt(whole, at + wanted.length)))
      return true;
  }
  return false;
}

function isWordBoundary(character: string): boolean {
  return !ALPHANUMERIC.test(character);
}

function characterAt(text: string, index: number): string {
  const code = text.codePointAt(index);
  return code === undefined ? '' : String.fromCodePoint(code);
}

function characterBefore(text: string, index: number): string {
  const last = text.charCodeAt(index - 1);
  const pair = last >= 0xdc00 && last <= 0xdfff;
  return index === 0 ? '' : characterAt(text, pair ? index - 2 : index - 1);
}
