import type { ViewEvent } from '../agent-view.js';

/**
 * Where a view may be cut. Not between the calls of an answer and their results: providers reject a call
 * without its result and a result without its call. Not before calls without thinking blocks that follow
 * calls with thinking blocks: providers require the blocks that a turn began with.
 * @returns for each index from 0 to the length whether a cut before it is allowed
 */
export function allowedCuts(events: readonly ViewEvent[]): boolean[] {
  const allowed = new Array<boolean>(events.length + 1).fill(true);
  for (const { first, last } of answerSpans(events)) allowed.fill(false, first + 1, last + 1);
  let inThinkingTurn = false;
  for (const [index, event] of events.entries()) {
    if (event.kind === 'MessageEvent' || event.kind === 'CondensationSummaryEvent') inThinkingTurn = false;
    if (event.kind !== 'ActionEvent' || allowed[index] === false) continue;
    if (event.thinking_blocks.length > 0) inThinkingTurn = true;
    else if (inThinkingTurn) allowed[index] = false;
  }
  return allowed;
}

/** The first allowed cut at or after an index. The end of the view is always allowed. */
export function nextCut(allowed: readonly boolean[], from: number): number {
  const found = allowed.indexOf(true, from);
  return found === -1 ? allowed.length - 1 : found;
}

interface Span {
  first: number;
  last: number;
}

/** The range from the first call of an answer to its last call or result. */
function answerSpans(events: readonly ViewEvent[]): Span[] {
  const spans = new Map<string, Span>();
  const ofAction = new Map<string, Span>();
  const ofCall = new Map<string, Span>();
  for (const [index, event] of events.entries()) {
    if (event.kind === 'ActionEvent') {
      const span = spans.get(event.llm_response_id) ?? { first: index, last: index };
      span.last = index;
      spans.set(event.llm_response_id, span);
      ofAction.set(event.id, span);
      ofCall.set(event.tool_call_id, span);
    }
    const span =
      event.kind === 'ObservationEvent' || event.kind === 'UserRejectObservation'
        ? ofAction.get(event.action_id)
        : event.kind === 'AgentErrorEvent'
          ? ofCall.get(event.tool_call_id)
          : undefined;
    if (span) span.last = index;
  }
  return [...spans.values()];
}
