import fc from 'fast-check';
import { anyCharacter } from '../../../../test/support/any-character.js';
import { formatLocal } from '../../../events/clock.js';
import { parseEventLine, readEventLine } from './event-line.js';

const fields = (line: Buffer, read: typeof readEventLine, start = 0, end = line.length) => {
  const entry = read(line, start, end);
  return entry && { id: entry.id, timestamp: entry.timestamp, source: entry.source, kind: entry.kind };
};

const BRACE_AFTER_SOURCE = {
  id: '00000000-0000-1000-8000-000000000000',
  timestamp: '1970-01-01T00:00:00.000000',
  source: 'agent',
  n: 0,
  kind: 'MessageEvent',
};

describe('readEventLine', () => {
  const name = fc.oneof(
    fc.constantFrom('user', 'agent', 'MessageEvent', 'kind', 'x'.repeat(70)),
    fc.string(),
  );
  const id = fc.oneof(
    fc.uuid(),
    fc.uuid().map((uuid) => uuid.toUpperCase()),
    fc.string(),
  );
  const timestamp = fc.oneof(
    fc.integer({ min: 0, max: 4e15 }).map(formatLocal),
    fc.constantFrom('2254-12-31T23:59:59.999999', '2255-06-05T23:47:34.740993', '9999-12-31T23:59:59.999999'),
    fc.string(),
  );
  const event = fc.record({
    id,
    timestamp,
    source: name,
    text: fc.string({ unit: anyCharacter }),
    kind: name,
  });
  const line = event.map((it) => Buffer.from(JSON.stringify(it)));

  it('reads the fields that the JSON contains', () => {
    fc.assert(
      fc.property(line, line, (before, own) => {
        const around = Buffer.concat([before, Buffer.from('\n'), own, before]);
        const start = before.length + 1;
        expect(fields(around, readEventLine, start, start + own.length)).toEqual(fields(own, parseEventLine));
      }),
      { numRuns: 500 },
    );
  });

  it('does not read fields from a line whose beginning or end is damaged', () => {
    const regular = fc.record({
      id: fc.uuid(),
      timestamp: fc.integer({ min: 0, max: 4e15 }).map(formatLocal),
      source: fc.constantFrom('user', 'agent'),
      n: fc.integer(),
      kind: fc.constantFrom('MessageEvent', 'ActionEvent'),
    });
    fc.assert(
      fc.property(regular, fc.nat(), fc.nat(255), (value, place, byte) => {
        const bytes = Buffer.from(JSON.stringify(value));
        const head = JSON.stringify({ ...value, n: undefined, kind: undefined }).length;
        const tail = `,"kind":"${value.kind}"}`.length;
        const at = place % (head + tail);
        bytes[at < head ? at : bytes.length - tail + at - head] = byte;
        expect(fields(bytes, readEventLine)).toEqual(fields(bytes, parseEventLine));
      }),
      // Regression: a brace in the place of the comma after the source.
      { numRuns: 2_000, examples: [[BRACE_AFTER_SOURCE, 102, '}'.charCodeAt(0)]] },
    );
  });
});
