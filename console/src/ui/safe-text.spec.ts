import { oneLine, visible } from './safe-text.js';

describe('texts of strangers', () => {
  it.each([
    ['an override of the direction', 'a\u202eb', 'a⟨202E⟩b'],
    ['a terminal escape', '\x1b[2Jgone', '⟨001B⟩[2Jgone'],
    ['a null byte', 'a\0b', 'a⟨0000⟩b'],
    ['an invisible tag', 'a\u{e0041}b', 'a⟨E0041⟩b'],
    ['lines and tabs, unchanged', 'a\r\n\tb\n', 'a\n\tb\n'],
  ])('show %s', (_name, text, shown) => expect(visible(text)).toBe(shown));

  it('are cut to a line for lists, however long they are', () => {
    expect(oneLine('a\n\n  b', 10)).toBe('a b');
    expect(oneLine('x'.repeat(1e7), 10)).toBe(`${'x'.repeat(9)}…`);
  });
});
