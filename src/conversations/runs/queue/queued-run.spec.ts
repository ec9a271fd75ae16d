import fc from 'fast-check';
import { type QueuedRun, readQueuedRun } from './queued-run.js';

const RUN: QueuedRun = {
  conversation_id: 'a',
  owner_key: null,
  priority: 0,
  queued_at: '2026-01-01T00:00:00.000Z',
  log_length: 1,
};

const run = fc.record({
  conversation_id: fc.uuid(),
  owner_key: fc.constantFrom(null, 'alice', 'bob'),
  priority: fc.integer({ min: -3, max: 3 }),
  queued_at: fc
    .date({ noInvalidDate: true, min: new Date(0), max: new Date(9e12) })
    .map((date) => date.toISOString()),
  log_length: fc.nat(),
});

describe('an entry of the stored queue', () => {
  it('is read as it was written', () => {
    fc.assert(fc.property(run, (one) => expect(readQueuedRun({ ...one })).toEqual(one)));
  });

  it.each([
    null,
    [],
    'text',
    {},
    { ...RUN, conversation_id: 1 },
    { ...RUN, owner_key: 1 },
    { ...RUN, priority: 0.5 },
    { ...RUN, queued_at: 'soon' },
    { ...RUN, log_length: -1 },
  ])('is dropped if it is not one: %j', (value) => {
    expect(readQueuedRun(value)).toBeUndefined();
  });
});
