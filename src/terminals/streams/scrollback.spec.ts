import fc from 'fast-check';
import { Scrollback } from './scrollback.js';

describe('Scrollback', () => {
  it('returns the last bytes by their offsets, whatever was appended in which pieces', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20_000 }),
        fc.array(fc.integer({ min: 0, max: 9_000 }), { maxLength: 20 }),
        fc.nat(),
        fc.nat(),
        (capacity, lengths, from, most) => {
          const scrollback = new Scrollback(capacity);
          let all = Buffer.alloc(0);
          for (const [index, length] of lengths.entries()) {
            const piece = Buffer.from(Array.from({ length }, (_, at) => (at * 31 + index) % 256));
            scrollback.append(piece);
            all = Buffer.concat([all, piece]);
          }
          expect(scrollback.end).toBe(all.length);
          expect(scrollback.end - scrollback.start).toBeLessThanOrEqual(capacity);
          if (all.length <= capacity) expect(scrollback.start).toBe(0);
          const at = scrollback.start + (from % (scrollback.end - scrollback.start + 1));
          const read = scrollback.read(at, most % 30_000);
          expect(read.equals(all.subarray(at, at + (most % 30_000)))).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('lets new readers begin after a line break where something is missing before', () => {
    const scrollback = new Scrollback(16);
    scrollback.append(Buffer.from('first line\n'));
    expect(scrollback.beginning()).toBe(0);
    scrollback.append(Buffer.from('second line\n'));
    expect(scrollback.read(scrollback.beginning(), 100).toString()).toBe('second line\n');
  });
});
