import { firstCharacters, taggedParts } from '../../text/index.js';
import { plainText, textContent, type Message } from '../../events/index.js';

/** Characters of a title. */
const MAX_LENGTH = 50;
const ELLIPSIS = '...';

/** Characters of a message that a title is made from. */
const MAX_CONTENT = 1_000;

const SYSTEM_PROMPT =
  'You name conversations between a person and an agent that works with a computer. A name is short, says what the ' +
  'conversation is about, and is in the language of the message. Answer with the name only.';

/**
 * The dialogue that asks a model for a title.
 * @param template how to ask; `{conversation_content}` and `{max_length}` are filled in
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
  const asked = template.includes('{conversation_content}')
    ? template
    : `${template}\n\n{conversation_content}`;
  // The message last, and by a function: whatever stands in it is not filled in again.
  return asked
    .replaceAll('{max_length}', String(MAX_LENGTH))
    .replaceAll('{conversation_content}', () => content);
}

/** The title in an answer: without thoughts, in one line. Empty when there is none. */
export function parseTitle(answer: Message): string {
  const said = taggedParts(plainText(answer.content), '<think>', '</think>').outside.join('');
  // Thoughts without an end are the rest of the answer.
  const thinking = said.indexOf('<think>');
  return (thinking === -1 ? said : said.slice(0, thinking)).replace(/\s+/g, ' ').trim();
}

/** Cut to what lists have room for. */
export function cutTitle(text: string): string {
  const whole = text.trim();
  if (firstCharacters(whole, MAX_LENGTH) === whole) return whole;
  return firstCharacters(whole, MAX_LENGTH - ELLIPSIS.length) + ELLIPSIS;
}
