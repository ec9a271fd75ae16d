import fc from 'fast-check';
import { FinishMessage } from './finish-message.js';

describe('FinishMessage', () => {
  /** What is read of arguments that come in pieces of these lengths. */
  const read = (json: string, lengths: readonly number[]): string[] => {
    const reader = new FinishMessage();
    const pieces: string[] = [];
    for (let at = 0, turn = 0; at < json.length; turn++) {
      const length = lengths[turn % lengths.length] ?? 1;
      pieces.push(reader.add(json.slice(at, at + length)));
      at += length;
    }
    return pieces;
  };
  const escaped = (text: string): string =>
    text.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

  it('reads any message, however it is written and cut, and never half a character', () => {
    const text = fc.string({ unit: 'binary' });
    const form = fc.constantFrom(
      (message: string) => JSON.stringify({ message }),
      (message: string) => `{ "message" : "${escaped(message)}", "summary": "\\"message\\": \\"no\\"" }`,
      (message: string) => JSON.stringify({ summary: 'a "message": "x", b', message, security_risk: 'LOW' }),
    );
    fc.assert(
      fc.property(
        text,
        form,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (message, write, lengths) => {
          const pieces = read(write(message), lengths);
          expect(pieces.join('')).toBe(message);
          for (const piece of pieces) expect(piece).not.toMatch(/\p{Surrogate}/u);
        },
      ),
    );
  });

  it('has read what has come so far', () => {
    const reader = new FinishMessage();
    expect(reader.add('{"message": "All is')).toBe('All is');
    expect(reader.add(' well\\')).toBe(' well');
    expect(reader.add('n"}')).toBe('\n');
  });

  it.each(['[1, 2]', '{"text": "x"}', 'no JSON at all', '{"message": 5}', '{"other": {"message": "x"}}'])(
    'reads nothing out of %s',
    (json) => {
      expect(read(json, [3]).join('')).toBe('');
    },
  );

  it('gives up on arguments that do not come to their message', () => {
    const reader = new FinishMessage();
    expect(reader.add(`{"summary": "${'x'.repeat(5000)}`)).toBe('');
    expect(reader.add('", "message": "late"}')).toBe('');
  });
});
