import { randomUUID } from 'node:crypto';
import { UuidTable } from './uuid-table.js';

describe('the table of UUIDs', () => {
  it('finds each of many by its number and its text, while it grows', () => {
    const table = new UuidTable();
    expect(table.find(randomUUID())).toBeUndefined();
    const ids = Array.from({ length: 3000 }, (_, index) =>
      // Counted-up ids fall into the same places more often than random ones.
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

  it('takes only what comes back the same, and counts what has no id', () => {
    const table = new UuidTable();
    for (const no of [
      '',
      'x',
      randomUUID().toUpperCase().replace(/^./, 'A'),
      '00000000-0000-0000-0000-000000000000',
    ]) {
      expect(table.push(no)).toBe(false);
      expect(table.find(no)).toBeUndefined();
    }
    table.pushEmpty();
    const id = randomUUID();
    table.push(id);
    table.push(id);
    expect(table.find(id)).toBe(1);
  });
});
