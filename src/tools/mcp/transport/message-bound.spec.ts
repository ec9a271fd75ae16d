import fc from 'fast-check';
import { MessageBound, type MessageFraming } from './message-bound.js';

/** Whether a text is taken, however it is cut into pieces. */
function isTaken(framing: MessageFraming, text: string, pieces: readonly number[] = []): boolean {
  const bound = new MessageBound(framing);
  const bytes = Buffer.from(text);
  const cuts = [...pieces.map((piece) => piece % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
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

describe('the bound of messages of MCP servers', () => {
  it('counts each line of a program by itself', () => {
    expect(isTaken('lines', `${half}\n${half}\n${half}\n`)).toBe(true);
    expect(isTaken('lines', `[${half},${half}]\n`)).toBe(false);
  });

  it('counts the lines of one event together, and begins again behind an empty line', () => {
    for (const end of ['\n', '\r\n']) {
      const line = `data: ${half}${end}`;
      expect(isTaken('events', `${line}${end}${line}${end}`)).toBe(true);
      expect(isTaken('events', `${line}${line}${end}`)).toBe(false);
      expect(isTaken('events', `id: "${end}${line}id: "${end}${line}`)).toBe(false);
    }
  });

  it('decides the same however a message is cut into pieces', () => {
    const texts = [`${half}\n${half}`, `[${half},${half}]`, '['.repeat(129), `"${'['.repeat(200)}\\"["\n[]`];
    const framings: MessageFraming[] = ['lines', 'events', 'whole'];
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.constantFrom(...framings),
        fc.array(fc.nat(), { maxLength: 5 }),
        (text, framing, pieces) => isTaken(framing, text, pieces) === isTaken(framing, text),
      ),
      { numRuns: 60 },
    );
  });

  it('ends what never comes to an end', () => {
    expect(isTaken('lines', 'x'.repeat(11 * 1024 * 1024))).toBe(false);
    expect(isTaken('events', 'data: x\n'.repeat(2 * 1024 * 1024))).toBe(false);
  });
});
