import type { EventTrigger } from '../../definitions/trigger.js';
import { EventExpression, wildcardMatcher } from '../../filters/index.js';

/** The longest subject of a conversation, and the longest message that an event becomes (characters). */
const MAX_SUBJECT = 500;
const MAX_TURN = 50_000;

/** An event that a trigger may match. */
interface Event {
  source: string;
  key: string;
  payload: unknown;
}

/** Whether one of the patterns of a trigger fits an event; its filter is another question. */
export function listensTo(trigger: EventTrigger, { source, key }: Event): boolean {
  if (trigger.source !== source) return false;
  const patterns = Array.isArray(trigger.on) ? trigger.on : [trigger.on];
  return patterns.some((pattern) => wildcardMatcher(pattern)(key));
}

/**
 * Whether the filter of a trigger lets a payload through; without one it does.
 * @throws TimeLimitError, ExpressionError, or an error for payloads of another form: they do not match
 */
export function passesFilter({ filter }: EventTrigger, payload: unknown): boolean {
  return filter === undefined || EventExpression.parse(filter).matches(payload);
}

/** The conversation that an event belongs to, and what it says there. */
export interface Continuation {
  /** Undefined: a conversation of its own. */
  subject: string | undefined;
  /** Undefined: the usual message with the payload. */
  text: string | undefined;
}

/** What `continue_conversation` makes of an event. Expressions that fail are as if they were not there. */
export function continuationOf(trigger: EventTrigger, payload: unknown): Continuation {
  if (trigger.destination !== 'continue_conversation') return { subject: undefined, text: undefined };
  return {
    subject: textOf(trigger.subject_key_expr, payload, MAX_SUBJECT),
    text: textOf(trigger.turn_text_expr, payload, MAX_TURN),
  };
}

function textOf(expression: string | undefined, payload: unknown, max: number): string | undefined {
  if (expression === undefined) return undefined;
  try {
    const value = EventExpression.parse(expression).evaluate(payload);
    const text = typeof value === 'number' ? String(value) : value;
    return typeof text === 'string' && text !== '' && text.length <= max ? text : undefined;
  } catch {
    return undefined;
  }
}
