import { firstCharacters, taggedParts } from '../../text/index.js';
import { plainText, textContent, type Message } from '../../events/index.js';

/** Maximum characters of a title. */
const MAX_LENGTH = 50;
const ELLIPSIS = '...';

/** Characters of the message that the model is shown. */
const MAX_CONTENT = 1_000;

const SYSTEM_PROMPT =
  'You name conversations between a person and an agent that works with a computer. A name is short, says what the ' +
  'conversation is about, and is in the language of the message. Answer with the name only.';

/**
 * The messages that ask a model for a title.
 * @param template a prompt with the placeholders `{conversation_content}` and `{max_length}`
 */
export function titleRequest(text: string, template: string | null): Message[] {
  const content = firstCharacters(text, MAX_CONTENT);
  return [
    { role: 'system', content: [textContent(SYSTEM_PROMPT)], thinking_blocks: [] },
    { role: 'user', content: [textContent(question(content, template))], thinking_blocks: [] },
  ];
}

function question(content: string, template: string | null): string {
  if (template === null) {
    return (
      `Write a title of at most ${MAX_LENGTH} characters for a conversation that begins with the message below. Put one ` +
      `emoji that fits before it.\n\n<message>\n${content}\n</message>`
    );
  }
  const prompt = template.includes('{conversation_content}')
    ? template
    : `${template}\n\n{conversation_content}`;
  // The message is inserted last and by a function, so that placeholders in it are not replaced.
  return prompt
    .replaceAll('{max_length}', String(MAX_LENGTH))
    .replaceAll('{conversation_content}', () => content);
}

/** The title in an answer, without thinking, on one line. Empty if there is none. */
export function parseTitle(answer: Message): string {
  const text = taggedParts(plainText(answer.content), '<think>', '</think>').outside.join('');
  // An unclosed tag extends to the end of the answer.
  const thinking = text.indexOf('<think>');
  return (thinking === -1 ? text : text.slice(0, thinking)).replace(/\s+/g, ' ').trim();
}

/** Truncates a title to its maximum length. */
export function cutTitle(text: string): string {
  const whole = text.trim();
  if (firstCharacters(whole, MAX_LENGTH) === whole) return whole;
  return firstCharacters(whole, MAX_LENGTH - ELLIPSIS.length) + ELLIPSIS;
}
