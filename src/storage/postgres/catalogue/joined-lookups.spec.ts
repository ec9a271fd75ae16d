import { JoinedLookups } from './joined-lookups.js';

describe('JoinedLookups', () => {
  it('asks once for all look-ups of a turn, and again for later ones', async () => {
    const asked: string[][] = [];
    const lookups = new JoinedLookups((ids) => {
      asked.push(ids);
      return Promise.resolve(new Map(ids.filter((id) => id !== 'unknown').map((id) => [id, `of ${id}`])));
    });
    const found = await Promise.all(['a', 'b', 'a', 'unknown'].map((id) => lookups.of(id)));
    expect(found).toEqual(['of a', 'of b', 'of a', undefined]);
    expect(await lookups.of('a')).toBe('of a');
    expect(asked).toEqual([['a', 'b', 'unknown'], ['a']]);
  });

  it('passes a failure on to all that wait for it, and only to them', async () => {
    let isDown = true;
    const lookups = new JoinedLookups((ids) =>
      isDown ? Promise.reject(new Error('down')) : Promise.resolve(new Map(ids.map((id) => [id, id]))),
    );
    const results = await Promise.allSettled([lookups.of('a'), lookups.of('a'), lookups.of('b')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    isDown = false;
    expect(await lookups.of('a')).toBe('a');
  });
});
