import { NO_SPAN, type OpenSpan, type Span, type SpanOptions, type Tracer } from './span.js';

/** The tracer of the process; undefined: traces are off. Process-wide, like the environment. */
let tracer: Tracer | undefined;

/** From now on spans go to this tracer. */
export function useTracer(next: Tracer | undefined): void {
  tracer = next;
}

/** Whether traces are on. */
export function isTracing(): boolean {
  return tracer !== undefined;
}

/** Whether messages, arguments and results become attributes. */
export function capturesContent(): boolean {
  return tracer?.capturesContent ?? false;
}

/**
 * Executes work within a span, which ends when the work settles. The work begins at once, so that the order
 * of calls is the same with and without traces.
 * @param options only computed if traces are on
 */
export function traced<T>(
  name: string,
  options: () => SpanOptions,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  return tracer === undefined ? work(NO_SPAN) : tracer.span(name, options(), work);
}

/** Begins a span that the caller ends. Undefined without traces. */
export function openSpan(name: string, options: SpanOptions): OpenSpan | undefined {
  return tracer?.open(name, options);
}

/** Executes work as part of no span: what it starts belongs to others. */
export function apartFromSpans(work: () => void): void {
  if (tracer === undefined) work();
  else tracer.apart(work);
}

/** The longest text of contents in a trace (characters). */
const MAX_CONTENT_TEXT = 8_000;

/** A text for an attribute with contents: masked, then cut, because half a secret would not be found. */
export function contentText(text: string): string {
  const part = text.slice(0, 2 * MAX_CONTENT_TEXT);
  const masked = tracer?.mask(part) ?? '';
  const isWhole = part.length === text.length;
  if (isWhole && masked.length <= MAX_CONTENT_TEXT) return masked;
  // The part may end within a secret, and what is masked is shorter: then that end would be shown.
  const end = isWhole ? masked.length : Math.max(0, masked.length - MAX_CONTENT_TEXT);
  return `${masked.slice(0, Math.min(end, MAX_CONTENT_TEXT))}...`;
}

/** The W3C headers (`traceparent`, `tracestate`) of the current span, for requests to others. */
export function traceHeaders(): Record<string, string> {
  return tracer === undefined ? NO_HEADERS : tracer.headers();
}

const NO_HEADERS: Record<string, string> = Object.freeze({});
