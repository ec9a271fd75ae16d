import fc from 'fast-check';
import { type TaskFact, TaskFold, type TaskPhase } from './task-fold.js';
import { parseTaskId, taskIdOf } from './task-id.js';

const FIRST = '11111111-1111-4111-8111-111111111111';
const status = (name: string): TaskFact => ({ type: 'status', status: name });
const failure: TaskFact = { type: 'failure', text: 'Broken: it is' };

/** The phase of a task after these events. */
function phaseAfter(...facts: (TaskFact | undefined)[]): TaskPhase {
  const fold = new TaskFold(FIRST, 0, 'begun');
  for (const [index, fact] of facts.entries()) fold.apply(fact, String(index));
  fold.settle();
  return fold.phase;
}

const facts = fc.array(
  fc.option(
    fc.oneof(
      fc
        .constantFrom('idle', 'running', 'paused', 'waiting_for_confirmation', 'finished', 'error', 'stuck')
        .map(status),
      fc.constant(failure),
      fc.constantFrom<TaskFact>({ type: 'message' }, { type: 'answer' }, { type: 'dequeued' }),
      fc.constantFrom(FIRST, 'another').map((messageId): TaskFact => ({ type: 'canceled', messageId })),
    ),
    { nil: undefined },
  ),
  { maxLength: 30 },
);

describe('TaskFold', () => {
  it('tells the phase from the log', () => {
    expect(phaseAfter()).toBe('submitted');
    expect(phaseAfter(status('running'))).toBe('working');
    expect(phaseAfter(status('running'), status('waiting_for_confirmation'), status('idle'))).toBe(
      'approval',
    );
    expect(phaseAfter(status('running'), status('paused'))).toBe('paused');
    expect(phaseAfter(status('running'), { type: 'answer' }, status('finished'))).toBe('completed');
    expect(phaseAfter(status('running'), { type: 'canceled', messageId: 'another' })).toBe('working');
    expect(phaseAfter(status('paused'), { type: 'canceled', messageId: FIRST })).toBe('canceled');
    expect(phaseAfter({ type: 'dequeued' })).toBe('canceled');
    expect(phaseAfter(status('running'), status('paused'), { type: 'dequeued' })).toBe('paused');
  });

  it('has the reason of a failure, whether it comes before the status or after it', () => {
    for (const order of [
      [failure, status('error')],
      [status('error'), failure],
    ]) {
      const fold = new TaskFold(FIRST, 0, 'begun');
      for (const fact of order) fold.apply(fact, 'then');
      expect([fold.phase, fold.failure]).toEqual(['failed', 'Broken: it is']);
    }
    expect(phaseAfter(status('error'))).toBe('failed');
  });

  it('is the same in one go, in pieces, and never leaves a final phase', () => {
    fc.assert(
      fc.property(facts, fc.nat(30), (all, cut) => {
        const whole = new TaskFold(FIRST, 4, 'begun');
        let pieces = new TaskFold(FIRST, 4, 'begun');
        let end: TaskPhase | undefined;
        for (const [index, fact] of all.entries()) {
          whole.apply(fact, String(index));
          if (index === cut) pieces = pieces.copy();
          if (fact === undefined) pieces.skipTo(pieces.next + 1);
          else pieces.apply(fact, String(index));
          if (end !== undefined) expect(whole.phase).toBe(end);
          if (whole.isFinal) end = whole.phase;
        }
        expect(pieces).toEqual(whole);
      }),
    );
  });
});

describe('the id of a task', () => {
  it('names its conversation and its message, and nothing else is one', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), (conversationId, messageId) => {
        const name = { conversationId, messageId };
        expect(parseTaskId(taskIdOf(name))).toEqual(name);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => parseTaskId(text) === undefined));
  });
});
