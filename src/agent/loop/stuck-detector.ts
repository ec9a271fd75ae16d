import { isDeepStrictEqual } from 'node:util';
import type { ActionEvent, AgentErrorEvent } from '../../events/index.js';
import { type BranchEvent, isUserMessage } from '../agent-view.js';

/** Number of events looked at and repetitions that count (values of the OpenHands SDK). */
const WINDOW = 20;
const SAME_RESULT = 4;
const SAME_ERROR = 4;
const NUDGE_AT_ERROR = 3;
const MONOLOGUE = 3;
const ALTERNATING = 6;

/** Result of the detection: continue, tell the agent that it repeats itself, or stop. */
type StuckVerdict = { kind: 'fine' } | { kind: 'nudge'; text: string } | { kind: 'stuck' };

const FINE: StuckVerdict = { kind: 'fine' };
const STUCK: StuckVerdict = { kind: 'stuck' };

/** Detects an agent that repeats itself, in the last events since the user's last message. */
export function detectStuck(events: readonly BranchEvent[]): StuckVerdict {
  const recent = sinceLastUserMessage(events.slice(-WINDOW));
  if (recent.length < 3) return FINE;
  const actions = recent.filter((event) => event.kind === 'ActionEvent');
  const results = recent.filter(isResult);
  if (repeats(actions, results, SAME_RESULT) || alternates(actions, results) || monologue(recent))
    return STUCK;
  return repeatedError(recent, actions, results);
}

function sinceLastUserMessage(events: readonly BranchEvent[]): readonly BranchEvent[] {
  const last = events.findLastIndex(isUserMessage);
  return events.slice(last + 1);
}

type Result = Extract<
  BranchEvent,
  { kind: 'ObservationEvent' | 'AgentErrorEvent' | 'UserRejectObservation' }
>;

function isResult(event: BranchEvent): event is Result {
  return ['ObservationEvent', 'AgentErrorEvent', 'UserRejectObservation'].includes(event.kind);
}

/** Ids, times and parents always differ and are ignored. */
function sameAction(a: ActionEvent, b: ActionEvent): boolean {
  return a.tool_name === b.tool_name && isDeepStrictEqual([a.thought, a.action], [b.thought, b.action]);
}

function sameResult(a: Result, b: Result): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind === 'ObservationEvent' && b.kind === 'ObservationEvent') {
    return isDeepStrictEqual(a.observation, b.observation);
  }
  return a.kind === 'AgentErrorEvent';
}

function allSame<T>(items: readonly T[], same: (a: T, b: T) => boolean): boolean {
  const [first] = items;
  return first !== undefined && items.every((item) => same(first, item));
}

function repeats(actions: readonly ActionEvent[], results: readonly Result[], times: number): boolean {
  const lastActions = actions.slice(-times);
  const lastResults = results.slice(-times);
  if (lastActions.length < times || lastResults.length < times) return false;
  return allSame(lastActions, sameAction) && allSame(lastResults, sameResult);
}

function repeatedError(
  recent: readonly BranchEvent[],
  actions: readonly ActionEvent[],
  results: readonly Result[],
): StuckVerdict {
  const errors = trailingErrors(actions, results);
  if (errors.length >= SAME_ERROR) return STUCK;
  const last = errors[errors.length - 1];
  if (errors.length !== NUDGE_AT_ERROR || !last) return FINE;
  const nudged = recent
    .slice(recent.indexOf(last))
    .some((event) => event.kind === 'MessageEvent' && event.source === 'environment');
  if (nudged) return FINE;
  return {
    kind: 'nudge',
    text:
      `You've called \`${last.tool_name}\` with the same arguments ${NUDGE_AT_ERROR} times in a row and gotten the same ` +
      `error each time: ${last.error}. Repeating the call will not help: check the arguments, or try another way.`,
  };
}

function trailingErrors(actions: readonly ActionEvent[], results: readonly Result[]): AgentErrorEvent[] {
  const errors: AgentErrorEvent[] = [];
  for (let back = 1; back <= results.length; back++) {
    const result = results.at(-back);
    const action = actions.at(-back);
    const latest = actions.at(-1);
    if (result?.kind !== 'AgentErrorEvent' || !action || !latest || !sameAction(action, latest)) break;
    errors.unshift(result);
  }
  return errors;
}

function alternates(actions: readonly ActionEvent[], results: readonly Result[]): boolean {
  const lastActions = actions.slice(-ALTERNATING);
  const lastResults = results.slice(-ALTERNATING);
  if (lastActions.length < ALTERNATING || lastResults.length < ALTERNATING) return false;
  const everySecond = <T>(items: readonly T[], same: (a: T, b: T) => boolean): boolean =>
    items.every((item, index) => {
      const before = items[index - 2];
      return before === undefined || same(before, item);
    });
  return everySecond(lastActions, sameAction) && everySecond(lastResults, sameResult);
}

/**
 * Whether the last events are only agent messages without any action. Messages of the environment do not
 * count.
 */
function monologue(events: readonly BranchEvent[]): boolean {
  let messages = 0;
  for (const event of events.toReversed()) {
    if (event.kind !== 'MessageEvent') break;
    if (event.source === 'agent') messages += 1;
  }
  return messages >= MONOLOGUE;
}
