import fc from 'fast-check';
import { textContent, type Content, type Message } from '../../../events/index.js';
import { ChatBytes } from './chat-bytes.js';
import { chatMessages } from './chat-messages.js';

const IMAGE: Content = { type: 'image', image_urls: ['data:image/png;base64,AA=='], cache_prompt: false };
const DIALECT = { cacheMarks: false, echoReasoning: false, echoThinking: false };

/** A further message of a conversation. */
const NEXT = fc.record({
  role: fc.constantFrom('user', 'assistant', 'tool'),
  text: fc.string({ unit: 'grapheme', maxLength: 5 }),
  image: fc.boolean(),
});

function messageOf(next: typeof NEXT extends fc.Arbitrary<infer T> ? T : never, index: number): Message {
  const content = [textContent(next.text), ...(next.image ? [IMAGE] : [])];
  if (next.role === 'user') return { role: 'user', content, thinking_blocks: [] };
  if (next.role === 'tool')
    return { role: 'tool', content, tool_call_id: `c${index}`, name: 'terminal', thinking_blocks: [] };
  const call = { id: `c${index}`, name: 'terminal', arguments: '{}', origin: 'completion' as const };
  return { role: 'assistant', content: [textContent(next.text)], tool_calls: [call], thinking_blocks: [] };
}

/** A message of the user or, at odd indexes, of the assistant. */
const message = (text: string, index: number): Message =>
  messageOf({ role: index % 2 ? 'assistant' : 'user', text, image: false }, index);

const parsed = (bytes: readonly Buffer[]): unknown => JSON.parse(`[${Buffer.concat(bytes).toString()}]`);
const wire = (messages: readonly Message[], dialect = DIALECT): unknown =>
  JSON.parse(JSON.stringify(chatMessages(messages, dialect)));

describe('ChatBytes', () => {
  it('writes the messages of a dialogue that grows, is truncated or changes its dialect', () => {
    const step = fc.record({
      added: fc.array(NEXT, { minLength: 1, maxLength: 12 }),
      cut: fc.nat(3),
      marks: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
        const bytes = new ChatBytes();
        let messages: Message[] = [];
        for (const { added, cut, marks } of steps) {
          const kept = cut === 3 ? messages.slice(Math.floor(messages.length / 2)) : messages;
          messages = [...kept, ...added.map((next, index) => messageOf(next, messages.length + index))];
          const dialect = { ...DIALECT, cacheMarks: marks };
          expect(parsed(bytes.write('one', messages, dialect))).toEqual(wire(messages, dialect));
        }
      }),
    );
  });

  it('takes messages that it has written before from its cache', () => {
    const bytes = new ChatBytes();
    const messages = Array.from({ length: 20 }, (_, index) => message('x', index));
    bytes.write('one', messages.slice(0, 15), DIALECT);
    const before: unknown = wire(messages.slice(0, 19));
    // A cached message is not serialised again.
    Object.assign(messages[0] ?? {}, { content: [textContent('changed')] });
    expect(parsed(bytes.write('one', messages.slice(0, 19), DIALECT))).toEqual(before);
    expect(Buffer.concat(bytes.write('two', messages, DIALECT)).toString()).toContain('changed');
  });

  it('keeps dialogues apart that continue the same beginning under one conversation id', () => {
    const common = Array.from({ length: 20 }, (_, index) =>
      message(index === 0 ? 'x'.repeat(1e6) : 'x', index),
    );
    const longer = (letter: string): Message[] => [
      ...common,
      message(letter.repeat(300_000), 20),
      message('end', 21),
      message('more', 22),
    ];
    // Shares exactly the common messages.
    const unchanged = [...common, message('y'.repeat(300_000), 20)];
    const dialogues = [longer('a'), longer('b'), unchanged];
    const bytes = new ChatBytes();
    bytes.write('one', common.slice(0, 15), DIALECT);
    const written = [...dialogues, ...dialogues].map((messages) => bytes.write('one', messages, DIALECT));
    for (const [index, pieces] of written.entries())
      expect(parsed(pieces)).toEqual(wire(dialogues[index % 3] ?? []));
  });
});
