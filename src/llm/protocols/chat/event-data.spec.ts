import fc from 'fast-check';
import { EventData } from './event-data.js';

function read(text: string, cut: number): string[] {
  const bytes = Buffer.from(text);
  const events = new EventData();
  const read: string[] = [];
  for (let start = 0; start < bytes.length; start += cut)
    read.push(...events.read(bytes.subarray(start, start + cut)));
  return read;
}

describe('EventData', () => {
  it('returns the same data for all cuts and line endings', () => {
    const datum = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => !/[\r\n]/.test(text));
    const ending = fc.constantFrom('\n', '\r\n', '\r');
    fc.assert(
      fc.property(
        fc.array(fc.array(datum, { minLength: 1, maxLength: 3 })),
        ending,
        fc.integer({ min: 1, max: 9 }),
        (events, end, cut) => {
          const lines = events.map((data) => data.map((line) => `data: ${line}${end}`).join('') + end);
          // The comment at the end shows whether a preceding carriage return ended its line.
          expect(read(`${lines.join('')}: over${end}`, cut)).toEqual(events.map((data) => data.join('\n')));
        },
      ),
    );
  });

  it('ignores comments and other fields, and accepts data without a leading blank', () => {
    expect(read(': hello\n\nevent: x\nid: 1\ndata:a\n\nretry: 5\n\ndata: b\n\n', 7)).toEqual(['a', 'b']);
  });

  it('omits incomplete events', () => {
    expect(read('data: a\n\ndata: half', 3)).toEqual(['a']);
  });
});
