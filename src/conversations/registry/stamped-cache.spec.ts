import fc from 'fast-check';
import { StampedCache } from './stamped-cache.js';

describe('StampedCache', () => {
  it('returns the last text of a key for its stamp only and keeps the most recently used ones', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const step = fc.record({ key, stamp: fc.constantFrom('1', '2'), size: fc.option(fc.nat(900)) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cache = new StampedCache(3_000);
        let model: { key: string; stamp: string; text: Buffer }[] = [];
        for (const { key: name, stamp, size } of steps) {
          const known = model.find((it) => it.key === name);
          if (size === null) {
            expect(cache.get(name, stamp)).toBe(known?.stamp === stamp ? known.text : undefined);
            if (known?.stamp !== stamp) continue;
            model = [...model.filter((it) => it !== known), known];
            continue;
          }
          const text = Buffer.alloc(size);
          cache.set(name, stamp, text);
          model = [...model.filter((it) => it !== known), { key: name, stamp, text }];
          while (model.reduce((sum, it) => sum + it.text.length + 300, 0) > 3_000) model.shift();
        }
        for (const { key: name, stamp, text } of model) expect(cache.get(name, stamp)).toBe(text);
      }),
    );
  });

  it('does not keep a text that exceeds its size', () => {
    const cache = new StampedCache(1_000);
    cache.set('a', '1', Buffer.alloc(2_000));
    expect(cache.get('a', '1')).toBeUndefined();
    cache.set('b', '1', Buffer.alloc(100));
    expect(cache.get('b', '1')).toHaveLength(100);
  });
});
