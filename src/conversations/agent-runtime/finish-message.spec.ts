import fc from 'fast-check';
import { anyCharacter } from '../../../test/support/any-character.js';
import { FinishMessage } from './finish-message.js';

describe('FinishMessage', () => {
  /** What is extracted from arguments that arrive in chunks of these lengths. */
  const read = (json: string, lengths: readonly number[]): string[] => {
    const reader = new FinishMessage();
    const chunks: string[] = [];
    for (let at = 0, turn = 0; at < json.length; turn++) {
      const length = lengths[turn % lengths.length] ?? 1;
      chunks.push(reader.add(json.slice(at, at + length)));
      at += length;
    }
    return chunks;
  };
  const escaped = (text: string): string =>
    text.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

  it('extracts any message from any chunks without splitting a character', () => {
    const text = fc.string({ unit: anyCharacter });
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
          const chunks = read(write(message), lengths);
          expect(chunks.join('')).toBe(message);
          for (const chunk of chunks) expect(chunk).not.toMatch(/\p{Surrogate}/u);
        },
      ),
    );
  });

  it('extracts what has arrived so far', () => {
    const reader = new FinishMessage();
    expect(reader.add('{"message": "All is')).toBe('All is');
    expect(reader.add(' well\\')).toBe(' well');
    expect(reader.add('n"}')).toBe('\n');
  });

  it.each(['[1, 2]', '{"text": "x"}', 'no JSON at all', '{"message": 5}', '{"other": {"message": "x"}}'])(
    'extracts nothing from %s',
    (json) => {
      expect(read(json, [3]).join('')).toBe('');
    },
  );

  it('gives up when the message does not begin within a few thousand characters', () => {
    const reader = new FinishMessage();
    expect(reader.add(`{"summary": "${'x'.repeat(5000)}`)).toBe('');
    expect(reader.add('", "message": "late"}')).toBe('');
  });
});
