import type { ActionEvent } from '../../events/index.js';

/** Only the beginning of a text is searched (characters). */
const MAX_LENGTH = 100_000;

/** All texts in the arguments of an action. */
export function argumentTexts({ action }: ActionEvent): string[] {
  const { kind: _kind, ...fields } = action ?? { kind: '' };
  return textsIn(fields).map((text) => text.slice(0, MAX_LENGTH));
}

/** The agent's explanations of an action: thoughts, reasoning and summary. */
export function explanationTexts({ thought, reasoning_content, summary }: ActionEvent): string[] {
  const spoken = [...thought.map(({ text }) => text), reasoning_content ?? '', summary ?? ''];
  return spoken.filter((text) => text !== '').map((text) => text.slice(0, MAX_LENGTH));
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
