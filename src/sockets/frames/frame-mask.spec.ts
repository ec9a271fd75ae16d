import fc from 'fast-check';
import { mask, unmask } from './frame-mask.js';

const key = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from(bytes));
/** At any place in memory, so that words begin anywhere. */
const frame = fc
  .tuple(fc.uint8Array({ maxLength: 70 }), fc.nat(8))
  .map(([bytes, before]) => Buffer.concat([Buffer.alloc(before), bytes]).subarray(before));

function masked(bytes: Buffer, by: Buffer): Buffer {
  return Buffer.from(bytes.map((byte, at) => byte ^ (by[at % 4] ?? 0)));
}

describe('the mask of a frame', () => {
  it('is put on and taken off byte by byte, wherever the bytes are', () => {
    fc.assert(
      fc.property(frame, key, (bytes, by) => {
        const expected = masked(bytes, by);
        const original = Buffer.from(bytes);
        unmask(bytes, by);
        expect(bytes.equals(expected)).toBe(true);
        unmask(bytes, by);
        expect(bytes.equals(original)).toBe(true);
      }),
    );
  });

  it('is put on into another buffer, and touches nothing around', () => {
    fc.assert(
      fc.property(frame, key, fc.nat(9), fc.nat(5), (bytes, by, offset, after) => {
        const output = Buffer.alloc(offset + bytes.length + after, 7);
        const original = Buffer.from(bytes);
        mask(bytes, by, output, offset, bytes.length);
        expect(output).toEqual(
          Buffer.concat([Buffer.alloc(offset, 7), masked(bytes, by), Buffer.alloc(after, 7)]),
        );
        expect(bytes.equals(original)).toBe(true);
      }),
    );
  });
});
