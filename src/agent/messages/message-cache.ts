import type { Message } from '../../events/index.js';
import type { ViewEvent } from '../agent-view.js';
import { resultsByAction, toMessages, type ObservationRenderer } from './to-messages.js';

interface SettledMessages {
  /** Number of events these messages were made from; they end before an answer of the model. */
  end: number;
  /** The last of these events. */
  last: ViewEvent | undefined;
  messages: Message[];
}

/**
 * Converts views into messages incrementally. Messages before the model's last answer do not change any more
 * and are the same objects in each result, so that data derived from them can be cached as well.
 */
export class MessageCache {
  private readonly settled = new WeakMap<readonly ViewEvent[], SettledMessages>();

  constructor(private readonly render: ObservationRenderer) {}

  /** @param events of a view; the same list only grows */
  messagesFor(events: readonly ViewEvent[]): Message[] {
    const settled = this.advance(events);
    return settled.messages.concat(toMessages(events.slice(settled.end), this.render));
  }

  private advance(events: readonly ViewEvent[]): SettledMessages {
    const known = this.settled.get(events);
    const isSame = known !== undefined && events[known.end - 1] === known.last;
    const settled = isSame ? known : { end: 0, last: undefined, messages: [] };
    const end = lastAnswerStart(events, settled.end);
    const between = events.slice(settled.end, end);
    if (between.length === 0 || !hasAllResults(between)) return settled;
    // One by one: a function call is limited to some 100,000 arguments.
    for (const message of toMessages(between, this.render)) settled.messages.push(message);
    settled.end = end;
    settled.last = events[end - 1];
    this.settled.set(events, settled);
    return settled;
  }
}

/** Index where the calls of the last answer begin; errors of invalid calls may stand between them. */
function lastAnswerStart(events: readonly ViewEvent[], from: number): number {
  let start = events.length - 1;
  while (start > from && events[start]?.kind !== 'ActionEvent') start--;
  const last = events[start];
  if (last?.kind !== 'ActionEvent') return from;
  for (let index = start - 1; index >= from; index--) {
    const event = events[index];
    if (event?.kind === 'ActionEvent' && event.llm_response_id === last.llm_response_id) start = index;
    else if (event?.kind !== 'AgentErrorEvent') break;
  }
  return start;
}

/**
 * Whether each action has its result. A later result is placed before the messages that arrived meanwhile.
 */
function hasAllResults(events: readonly ViewEvent[]): boolean {
  const results = resultsByAction(events);
  return events.every((event) => event.kind !== 'ActionEvent' || results.has(event.id));
}
