import fc from 'fast-check';
import {
  createEvent,
  isLargeText,
  serialiseEvent,
  textContent,
  writeAhead,
  type MessageEvent,
} from './index.js';

/** A message with these texts. */
function messageOf(texts: readonly string[]): MessageEvent {
  return createEvent({
    source: 'user',
    llm_message: { role: 'user', content: texts.map((text) => textContent(text)), thinking_blocks: [] },
    activated_skills: [],
    extended_content: [],
    kind: 'MessageEvent',
  });
}

/** Writes ahead to the end; answers in how many slices, and what forgets it. */
function written(texts: readonly string[]): { slices: number; forget: () => void } {
  const writing = writeAhead(texts);
  let slices = 0;
  for (;;) {
    const step = writing.next();
    if (step.done === true) return { slices, forget: step.value };
    slices += 1;
  }
}

describe('texts that are written ahead', () => {
  /** Whole and broken characters, and what JSON escapes, at every place of a slice. */
  const units = fc.string({ unit: 'binary', minLength: 1, maxLength: 5 });
  const broken = fc.constantFrom('', '\ud83d', '\ude00', '\ud83d\ude00\ud83d', '"\\\u0000\n');
  const large = fc
    .tuple(broken, units, broken)
    .map(([start, pattern, end]) => start + (pattern + end).repeat(Math.ceil(2 ** 20 / pattern.length)));

  it('are in the event as if they were written with it', () => {
    fc.assert(
      fc.property(large, large, (one, other) => {
        const event = messageOf([one, 'short', other, one]);
        const line = serialiseEvent(event);
        const { slices, forget } = written([one, 'short', other]);
        expect(slices).toBeGreaterThan(16);
        expect(serialiseEvent(event) === line).toBe(true);
        forget();
        expect(serialiseEvent(event) === line).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('change nothing in other events', () => {
    const text = 'x'.repeat(2 ** 20);
    const { forget } = written([text]);
    const other = messageOf([`${text}y`, 'short']);
    expect(JSON.parse(serialiseEvent(other))).toMatchObject({ llm_message: other.llm_message });
    forget();
  });

  it('are only those that take long', () => {
    expect(['x'.repeat(2 ** 20 - 1), 'x'.repeat(2 ** 20)].map(isLargeText)).toEqual([false, true]);
    expect(written(['short']).slices).toBe(0);
  });
});
