import fc from 'fast-check';
import { ByteBudget, type HeldBytes } from './byte-budget.js';

const KIB = 1024;
const MIB = 1024 * KIB;

describe('ByteBudget', () => {
  it('refuses large items beyond its limit until others are released', () => {
    const budget = new ByteBudget(2 * MIB);
    const [first, second] = [budget.hold(), budget.hold()];
    expect(first.grow(1.5 * MIB)).toBe(true);
    expect(second.grow(MIB)).toBe(false);
    expect(second.size).toBe(0);
    first.shrink();
    expect(second.grow(MIB)).toBe(true);
  });

  it('accepts small items when large ones have used up their budget', () => {
    const budget = new ByteBudget(MIB);
    expect(budget.hold().grow(MIB)).toBe(true);
    expect(budget.hasRoomFor(64 * KIB + 1)).toBe(false);
    expect(budget.hold().grow(64 * KIB)).toBe(true);
  });

  it('is empty again when every item is released', () => {
    const steps = fc.array(fc.tuple(fc.nat(4), fc.integer({ min: -MIB, max: MIB })), { maxLength: 50 });
    fc.assert(
      fc.property(steps, (all) => {
        const budget = new ByteBudget(3 * MIB);
        const items: HeldBytes[] = Array.from({ length: 5 }, () => budget.hold());
        for (const [at, bytes] of all) {
          if (bytes < 0) items[at]?.shrink(-bytes);
          else items[at]?.grow(bytes);
          const large = items.filter(({ size }) => size > 64 * KIB);
          expect(large.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(3 * MIB);
        }
        for (const item of items) item.shrink();
        expect([budget.hasRoomFor(3 * MIB), budget.hasRoomFor(3 * MIB + 1)]).toEqual([true, false]);
      }),
    );
  });
});
