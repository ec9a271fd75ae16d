import { bytes, compact, money } from './numbers.js';

describe('numbers in a few characters', () => {
  it.each([
    [0, '0'],
    [950, '950'],
    [999.6, '1.0k'],
    [1_249, '1.2k'],
    [12_400, '12k'],
    [999_700, '1.0M'],
    [34_000_000, '34M'],
  ])('shows the count %d as %s', (count, text) => expect(compact(count)).toBe(text));

  it.each([
    [0, '$0'],
    [0.004, '<$0.01'],
    [0.126, '$0.13'],
    [99.999, '$100'],
    [1_234.5, '$1,235'],
  ])('shows %d dollars as %s', (usd, text) => expect(money(usd)).toBe(text));

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KB'],
    [1024 * 1024 - 1, '1.0 MB'],
    [25 * 1024 ** 3, '25 GB'],
  ])('shows %d bytes as %s', (count, text) => expect(bytes(count)).toBe(text));
});
