/** What a conversation spends its time on. */
export const SPAN_KINDS = [
  'model',
  'tool',
  'confirmation',
  'person',
  'hook',
  'condensation',
  'paused',
  'down',
] as const;
export type SpanKind = (typeof SPAN_KINDS)[number];

/** A boundary of a span. */
type Boundary = 'started_at' | 'ended_at';

/** What an answer of a model has used. */
export interface SpanUsage {
  usage_id: string;
  model: string;
  prompt_tokens: number;
  completion_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  reasoning_tokens: number;
  context_window: number;
  /** US dollars; null if unknown. */
  cost: number | null;
}

/** A part of the time of a conversation. Times are milliseconds since the epoch. */
export interface Span {
  /** Unique in its conversation, and the same in each answer. */
  id: string;
  kind: SpanKind;
  /** The model, the tool, the type of the hook, or the reason for waiting. */
  name: string;
  /** What it was about in one line, such as the command; empty if there is nothing to say. */
  detail: string;
  /** How many answers the agent's model had given when the span ended. */
  step: number;
  start: number;
  /** Undefined while it is in progress. */
  end: number | undefined;
  /** The boundaries that no event records. */
  derived: Boundary[];
  /** The event to show for it; null if there is none. */
  eventId: string | null;
  /** The event that ended it, if that is another one. */
  resultEventId: string | null;
  /** The span of the tool that it is a part of, such as the task of a sub-agent. */
  parentId: string | null;
  responseId: string | null;
  usage: SpanUsage | null;
  failed: boolean;
  /** Seq of the event that ended it. */
  seq: number;
  /** Copied from the conversation that this one was forked from. */
  copied: boolean;
  /** How many events a condensation removed from the view. */
  forgotten: number;
}

/** A file that a finished tool call has used. */
export interface FileUse {
  path: string;
  operation: 'read' | 'write' | 'delete';
}

const MAX_NAME_LENGTH = 200;

/** A span with defaults for what most kinds have not. */
export function createSpan(
  fields: Pick<Span, 'id' | 'kind' | 'name' | 'step' | 'start' | 'end' | 'seq'> & Partial<Span>,
): Span {
  return {
    detail: '',
    derived: [],
    eventId: null,
    resultEventId: null,
    parentId: null,
    responseId: null,
    usage: null,
    failed: false,
    copied: false,
    forgotten: 0,
    ...fields,
    name: fields.name.slice(0, MAX_NAME_LENGTH),
  };
}

/** The duration of a span (ms), never negative; 0 while it is in progress. */
export function durationOf({ start, end }: Pick<Span, 'start' | 'end'>): number {
  return end === undefined ? 0 : Math.max(0, end - start);
}
