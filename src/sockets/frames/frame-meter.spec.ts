import fc from 'fast-check';
import { FrameMeter } from './frame-meter.js';

interface Sent {
  opcode: number;
  last: boolean;
  size: number;
}

function frame({ opcode, last, size }: Sent): Buffer {
  const first = (last ? 0x80 : 0) | opcode;
  const mask = [1, 2, 3, 4];
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(size));
  const header =
    size < 126
      ? [first, 0x80 | size, ...mask]
      : size < 65_536
        ? [first, 0x80 | 126, ...length.subarray(6), ...mask]
        : [first, 0x80 | 127, ...length, ...mask];
  return Buffer.concat([Buffer.from(header), Buffer.alloc(size, 0x81)]);
}

/** What a meter reports for frames that arrive in chunks. */
function seen(frames: readonly Sent[], cuts: readonly number[]) {
  const told = { announced: [] as number[], arrived: 0, completed: 0 };
  const meter = new FrameMeter({
    announced: (bytes) => void told.announced.push(bytes),
    arrived: (bytes) => void (told.arrived += bytes),
    completed: () => void (told.completed += 1),
  });
  const bytes = Buffer.concat(frames.map(frame));
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  let from = 0;
  for (const end of ends) {
    meter.push(bytes.subarray(from, end));
    from = end;
  }
  return { ...told, isInMessage: meter.isInMessage };
}

describe('FrameMeter', () => {
  it('parses frames wherever their bytes are split, and ignores control frames', () => {
    const size = fc.oneof(fc.nat(200), fc.constantFrom(0, 125, 126, 65_535, 65_536));
    const parts = fc.array(size, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(parts, fc.nat(125), fc.array(fc.nat(), { maxLength: 6 }), (sizes, ping, cuts) => {
        const frames = sizes.flatMap((bytes, index) => [
          { opcode: index === 0 ? 1 : 0, last: index === sizes.length - 1, size: bytes },
          { opcode: 9, last: true, size: ping },
        ]);
        const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
        const told = seen(frames, cuts);
        expect(told).toMatchObject({ arrived: total, completed: 1, isInMessage: false });
        expect(told.announced.at(-1)).toBe(total);
      }),
      { numRuns: 50 },
    );
  });

  it('reports a frame after its header, before its payload', () => {
    const announced: number[] = [];
    const meter = new FrameMeter({
      announced: (bytes) => void announced.push(bytes),
      arrived: () => undefined,
      completed: () => undefined,
    });
    meter.push(frame({ opcode: 1, last: true, size: 70_000 }).subarray(0, 14));
    expect(announced).toEqual([70_000]);
    expect(meter.isInMessage).toBe(true);
  });
});
