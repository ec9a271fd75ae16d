import type { FoldState } from './fold-state.js';
import type { FileUse, Span, SpanUsage } from './span.js';

/** What the statistics of a conversation know about its last answers; the log does not have it. */
export interface AnswerFacts {
  /** How long the model took (ms), without attempts that failed before. */
  latencyOf(responseId: string): number | undefined;
  usageOf(responseId: string): SpanUsage | undefined;
}

/** What a fold needs besides the log. */
export interface FoldOptions {
  /** How many calls of an answer run at a time. */
  toolConcurrency: number;
  /** Events up to this time (ms) were copied from another conversation. */
  copiedUntil: number;
  facts: AnswerFacts;
  /** Hides the secrets of the conversation. */
  mask: (text: string) => string;
}

/** Takes what a fold finds, in the order of the events that end it. */
export interface FoldSink {
  span(span: Span): void;
  /** Time in which at least one tool was in progress. */
  toolTime(ms: number, copied: boolean): void;
  file(use: FileUse, eventId: string, at: number): void;
}

/** Calls, hooks and usages that are followed at a time. A hostile log may leave them all open. */
export const MAX_OPEN = 500;

/** What the parts of a fold share. */
export class FoldContext {
  constructor(
    readonly state: FoldState,
    readonly options: FoldOptions,
    readonly sink: FoldSink,
  ) {}

  /** Passes on a span that has ended. */
  emit(span: Span): void {
    const end = Math.max(span.start, span.end ?? span.start);
    this.sink.span({ ...span, end, copied: this.isCopied(end) });
  }

  /** Whether a moment is before the fork that copied the events up to it. */
  isCopied(at: number): boolean {
    return at <= this.options.copiedUntil;
  }
}

/** The list of boundaries that are derived. */
export function derivedBoundaries(start: boolean, end: boolean): Span['derived'] {
  return [...(start ? ['started_at' as const] : []), ...(end ? ['ended_at' as const] : [])];
}
