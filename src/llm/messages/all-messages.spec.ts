import fc from 'fast-check';
import type { Message } from '../../events/index.js';
import { allMessages } from './all-messages.js';

const message = (text: string): Message => ({
  role: 'user',
  content: [{ type: 'text', text, cache_prompt: false }],
  thinking_blocks: [],
});
const isShort = ({ content }: Message): boolean =>
  content.every((block) => block.type === 'text' && block.text.length < 3);

describe('a test of all messages of a dialogue', () => {
  it('says what the test says of each, however the dialogue changes', () => {
    const pool = ['a', 'b', 'cc', 'long', 'longer'].map(message);
    const dialogue = fc.array(fc.constantFrom(...pool), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(dialogue, { maxLength: 10 }), (dialogues) => {
        const areShort = allMessages(isShort);
        for (const messages of dialogues) expect(areShort(messages)).toBe(messages.every(isShort));
      }),
    );
  });

  it('is asked of what the same list has grown by', () => {
    const areShort = allMessages(isShort);
    const messages = [message('a')];
    expect(areShort(messages)).toBe(true);
    messages.push(message('long'));
    expect(areShort(messages)).toBe(false);
    messages.pop();
    messages.push(message('b'));
    expect(areShort(messages)).toBe(true);
  });

  it('is asked of the new messages only', () => {
    const asked: Message[] = [];
    const all = allMessages((it) => asked.push(it) > 0);
    const messages = ['a', 'b', 'c', 'd'].map(message);
    for (const length of [0, 2, 2, 3, 1, 4]) all(messages.slice(0, length));
    expect(asked).toEqual([0, 1, 2, 1, 2, 3].map((index) => messages[index]));
  });
});
