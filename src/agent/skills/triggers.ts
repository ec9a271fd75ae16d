import type { Skill } from './skill.js';

/** Longer triggers are ignored (characters): nobody writes such a message. */
const MAX_WORD = 200;

const ALPHANUMERIC = /^[\p{L}\p{N}]$/u;

/** The first trigger of a skill that occurs in a text; undefined if none does. */
export function matchedTrigger(skill: Pick<Skill, 'trigger'>, text: string): string | undefined {
  const { trigger } = skill;
  if (!trigger || trigger.type === 'path') return undefined;
  const words = trigger.type === 'keyword' ? trigger.keywords : trigger.triggers;
  const lower = text.toLowerCase();
  return words.find((word) => containsLowerCase(lower, word));
}

/**
 * Whether a text contains a word with no letter or digit next to it, ignoring case. The time is linear in the
 * text because words are limited to `MAX_WORD`.
 */
export function containsWord(text: string, word: string): boolean {
  return containsLowerCase(text.toLowerCase(), word);
}

/** @param text in lower case */
function containsLowerCase(text: string, word: string): boolean {
  const wanted = word.trim().toLowerCase();
  if (wanted === '' || wanted.length > MAX_WORD) return false;
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + 1)) {
    if (isWordBoundary(characterBefore(text, at)) && isWordBoundary(characterAt(text, at + wanted.length)))
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
