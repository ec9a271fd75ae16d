import fc from 'fast-check';
import { textContent, type Content, type Message } from '../../events/index.js';
import { ChatBytes } from './chat-bytes.js';
import { chatMessages } from './chat-messages.js';

const PICTURE: Content = { type: 'image', image_urls: ['data:image/png;base64,AA=='], cache_prompt: false };

/** One more message of a dialogue; results come only behind calls. */
const NEXT = fc.record({
  role: fc.constantFrom('user', 'assistant', 'tool'),
  text: fc.string({ unit: 'grapheme', maxLength: 5 }),
  picture: fc.boolean(),
});

function messageOf(next: typeof NEXT extends fc.Arbitrary<infer T> ? T : never, index: number): Message {
  const content = [textContent(next.text), ...(next.picture ? [PICTURE] : [])];
  if (next.role === 'user') return { role: 'user', content, thinking_blocks: [] };
  if (next.role === 'tool')
    return { role: 'tool', content, tool_call_id: `c${index}`, name: 'terminal', thinking_blocks: [] };
  const call = { id: `c${index}`, name: 'terminal', arguments: '{}', origin: 'completion' as const };
  return { role: 'assistant', content: [textContent(next.text)], tool_calls: [call], thinking_blocks: [] };
}

/** What a generator returns, whatever else happens while it works. */
function allOf<T>(work: Generator<void, T>, between?: () => void): T {
  for (;;) {
    const part = work.next();
    if (part.done) return part.value;
    between?.();
  }
}

const written = (bytes: readonly Buffer[]): unknown => JSON.parse(`[${Buffer.concat(bytes).toString()}]`);

describe('ChatBytes', () => {
  it('are the messages, however a dialogue grows, is cut or is told in other words', () => {
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
          const dialect = { cacheMarks: marks, echoReasoning: false, echoThinking: false };
          const wire: unknown = JSON.parse(JSON.stringify(chatMessages(messages, dialect)));
          expect(written(allOf(bytes.write('one', messages, dialect)))).toEqual(wire);
        }
      }),
    );
  });

  it('take what is known from memory', () => {
    const bytes = new ChatBytes();
    const dialect = { cacheMarks: false, echoReasoning: false, echoThinking: false };
    const messages = Array.from({ length: 20 }, (_, index) =>
      messageOf({ role: index % 2 ? 'assistant' : 'user', text: 'x', picture: false }, index),
    );
    const [first] = allOf(bytes.write('one', messages.slice(0, 15), dialect));
    // A message that is known is not read again.
    Object.assign(messages[0] ?? {}, { content: [textContent('changed')] });
    const whole = Buffer.concat(allOf(bytes.write('one', messages.slice(0, 19), dialect)));
    expect(whole.subarray(0, first?.length)).toEqual(first);
    expect(whole.toString()).not.toContain('changed');
    expect(Buffer.concat(allOf(bytes.write('two', messages, dialect))).toString()).toContain('changed');
  });

  describe('when several go on with the same dialogue at once', () => {
    const dialect = { cacheMarks: false, echoReasoning: false, echoThinking: false };
    const message = (text: string, index: number) =>
      messageOf({ role: index % 2 ? 'assistant' : 'user', text, picture: false }, index);
    const common = Array.from({ length: 20 }, (_, index) =>
      message(index === 0 ? 'x'.repeat(1e6) : 'x', index),
    );
    /** There is room for it behind what is remembered; it is long enough to be written in parts. */
    const longer = (letter: string): Message[] => [
      ...common,
      message(letter.repeat(300_000), 20),
      message(letter.repeat(300_000), 21),
      message('question', 22),
      message('end', 23),
      message('more', 24),
    ];
    const wire = (messages: readonly Message[]): unknown =>
      JSON.parse(JSON.stringify(chatMessages(messages, dialect)));

    it('are each their own: two', () => {
      const bytes = new ChatBytes();
      allOf(bytes.write('one', common.slice(0, 15), dialect));
      let inside: Buffer[] | undefined;
      const outside = allOf(bytes.write('one', longer('a'), dialect), () => {
        inside ??= allOf(bytes.write('one', longer('b'), dialect));
      });
      expect(written(outside)).toEqual(wire(longer('a')));
      expect(written(inside ?? [])).toEqual(wire(longer('b')));
    });

    it('are each their own: one that adds nothing, and two more, wherever they meet', () => {
      // Settled as the common ones are, with something long to say.
      const same = [...common, message('y'.repeat(300_000), 20), message('y', 22)];
      for (let steps = 1; steps < 20; steps += 1) {
        const bytes = new ChatBytes();
        allOf(bytes.write('one', [...common, message('short', 20)], dialect));
        const nothingNew = bytes.write('one', same, dialect);
        nothingNew.next();
        const first = bytes.write('one', longer('a'), dialect);
        let part = first.next();
        for (let step = 1; step < steps && !part.done; step += 1) part = first.next();
        const [nothing, second] = [allOf(nothingNew), allOf(bytes.write('one', longer('b'), dialect))];
        const last = part.done ? part.value : allOf(first);
        expect(written(nothing)).toEqual(wire(same));
        expect(written(second)).toEqual(wire(longer('b')));
        expect(written(last)).toEqual(wire(longer('a')));
      }
    });
  });
});
