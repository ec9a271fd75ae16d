/** A value of an attribute, as OpenTelemetry knows them. */
export type AttributeValue =
  string | number | boolean | readonly string[] | readonly number[] | readonly boolean[];

/** Facts about a span. Undefined ones are left out. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** One timed piece of work in a trace. Without traces its methods do nothing. */
export interface Span {
  /** Whether anybody will see it: attributes that are costly to compute are not needed otherwise. */
  readonly isRecording: boolean;
  set(attributes: Attributes): void;
  /** Changes the name, for work whose name is known late. */
  rename(name: string): void;
  /** Adds something that happened at this moment. */
  note(event: string, attributes?: Attributes): void;
  /** Marks the span as failed. @param type a name of few values, such as a class of errors */
  fail(type: string, message?: string): void;
}

/** A span that its caller ends. */
export interface OpenSpan extends Span {
  /** Executes work as part of the span: spans that begin in it are its children. */
  run(work: () => void): void;
  end(): void;
}

/** What a span begins with. */
export interface SpanOptions {
  kind?: 'internal' | 'client' | 'server';
  attributes?: Attributes;
  /** Attributes of this span and of all spans that begin within it. */
  shared?: Attributes;
  /** The W3C headers of a span elsewhere, which becomes the parent. Invalid ones are ignored. */
  remote?: { traceparent?: string; tracestate?: string };
  /**
   * For work that outlives what has started it: it begins a trace of its own, which links to the current
   * span, unless that belongs to the trace of a caller elsewhere.
   */
  ownTrace?: boolean;
  /** Begins only within another span: alone it would say nothing. */
  onlyWithin?: boolean;
  /** The span is what the agent of this conversation does now: `within` finds it. */
  runOf?: string;
  /** Masks the secrets of a conversation in contents and errors of this span and of those within it. */
  mask?: (text: string) => string;
  /** The parent is the last run of this conversation, if this process has traced one. */
  within?: string;
}

/** Records spans. The implementation is loaded only if traces are on. */
export interface Tracer {
  /** Whether messages, arguments and results become attributes. */
  readonly capturesContent: boolean;
  /** Executes work within a span, which ends with it. What the work throws marks the span as failed. */
  span<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T>;
  open(name: string, options: SpanOptions): OpenSpan;
  /** Executes work as part of no span. */
  apart(work: () => void): void;
  /** Masks secrets in contents, those of the conversation of the current span too. */
  mask(text: string): string;
  /** The W3C headers of the current span, for requests to others. */
  headers(): Record<string, string>;
}

/** The span of those who trace nothing. */
export const NO_SPAN: Span = {
  isRecording: false,
  set: () => undefined,
  rename: () => undefined,
  note: () => undefined,
  fail: () => undefined,
};
