import type { Skill } from './skill.js';

const ALPHANUMERIC = /^[\p{L}\p{N}]$/u;

/** The first trigger of a skill that stands in a text; undefined for skills that no text brings in. */
export function matchedTrigger(skill: Pick<Skill, 'trigger'>, text: string): string | undefined {
  const { trigger } = skill;
  if (!trigger || trigger.type === 'path') return undefined;
  const words = trigger.type === 'keyword' ? trigger.keywords : trigger.triggers;
  return words.find((word) => containsWord(text, word));
}

/**
 * Whether a word stands in a text as a whole: no letter or digit before or behind it. Case does not matter. The time it
 * takes grows with the length of the text only, whatever the word is made of.
 */
export function containsWord(text: string, word: string): boolean {
  const wanted = word.trim().toLowerCase();
  if (wanted === '') return false;
  const whole = text.toLowerCase();
  for (let at = whole.indexOf(wanted); at !== -1; at = whole.indexOf(wanted, at + 1)) {
    if (isBorder(characterBefore(whole, at)) && isBorder(characterAt(whole, at + wanted.length))) return true;
  }
  return false;
}

function isBorder(character: string): boolean {
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
