import { randomUUID } from 'node:crypto';
import { UuidTable } from './uuid-table.js';

describe('UuidTable', () => {
  it('finds each of many UUIDs by number and by text while it grows', () => {
    const table = new UuidTable();
    expect(table.find(randomUUID())).toBeUndefined();
    const ids = Array.from({ length: 3000 }, (_, index) =>
      // Sequential ids collide more often than random ones.
      index % 2 ? randomUUID() : `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`,
    );
    for (const [seq, id] of ids.entries()) {
      expect(table.push(id)).toBe(true);
      if (seq % 7 === 0) expect(table.find(id)).toBe(seq);
    }
    for (const [seq, id] of ids.entries()) {
      expect(table.at(seq)).toBe(id);
      expect(table.find(id)).toBe(seq);
    }
    expect(table.find(randomUUID())).toBeUndefined();
  });

  it('stores only UUIDs that it can restore, and counts entries without an id', () => {
    const table = new UuidTable();
    for (const invalid of [
      '',
      'x',
      randomUUID().toUpperCase().replace(/^./, 'A'),
      '00000000-0000-0000-0000-000000000000',
    ]) {
      expect(table.push(invalid)).toBe(false);
      expect(table.find(invalid)).toBeUndefined();
    }
    table.pushEmpty();
    const id = randomUUID();
    table.push(id);
    table.push(id);
    expect(table.find(id)).toBe(1);
  });
});
