import fc from 'fast-check';
import { MessageBound, type MessageFraming } from './message-bound.js';

/** Whether a text that is divided at the given offsets is accepted. */
function isAccepted(framing: MessageFraming, text: string, offsets: readonly number[] = []): boolean {
  const bound = new MessageBound(framing);
  const bytes = Buffer.from(text);
  const cuts = [...offsets.map((offset) => offset % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  try {
    let from = 0;
    for (const to of cuts) {
      bound.check(bytes.subarray(from, to));
      from = to;
    }
    return true;
  } catch {
    return false;
  }
}

const half = `[${'{},'.repeat(60_000)}{}]`;

describe('MessageBound', () => {
  it('counts each line of a program separately', () => {
    expect(isAccepted('lines', `${half}\n${half}\n${half}\n`)).toBe(true);
    expect(isAccepted('lines', `[${half},${half}]\n`)).toBe(false);
  });

  it('counts the lines of an event together and restarts after an empty line', () => {
    for (const end of ['\n', '\r\n']) {
      const line = `data: ${half}${end}`;
      expect(isAccepted('events', `${line}${end}${line}${end}`)).toBe(true);
      expect(isAccepted('events', `${line}${line}${end}`)).toBe(false);
      expect(isAccepted('events', `id: "${end}${line}id: "${end}${line}`)).toBe(false);
    }
  });

  it('does not depend on how a message is divided into chunks', () => {
    const texts = [`${half}\n${half}`, `[${half},${half}]`, '['.repeat(129), `"${'['.repeat(200)}\\"["\n[]`];
    const framings: MessageFraming[] = ['lines', 'events', 'whole'];
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.constantFrom(...framings),
        fc.array(fc.nat(), { maxLength: 5 }),
        (text, framing, offsets) => isAccepted(framing, text, offsets) === isAccepted(framing, text),
      ),
      { numRuns: 60 },
    );
  });

  it('refuses endless messages', () => {
    expect(isAccepted('lines', 'x'.repeat(11 * 1024 * 1024))).toBe(false);
    expect(isAccepted('events', 'data: x\n'.repeat(2 * 1024 * 1024))).toBe(false);
  });
});
