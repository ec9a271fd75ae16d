import {
  type Context,
  context,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  type SpanContext,
  SpanKind,
  trace,
  type Tracer as OtelTracer,
} from '@opentelemetry/api';
import { errorMessage, errorName } from '../../errors/index.js';
import type { Attributes, OpenSpan, Span, SpanOptions, Tracer } from '../span.js';
import { RecordedSpan, type SpanStyle, type TextMask } from './recorded-span.js';

const KINDS = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT, server: SpanKind.SERVER } as const;
/** Whether the trace of a context was begun by somebody else. */
const IS_REMOTE = createContextKey('the trace of a caller');
/** Attributes that spans of a context share. */
const SHARED = createContextKey('shared attributes');
/** What masks the secrets of the conversation of a context. */
const MASK = createContextKey('mask of a conversation');
/** Conversations whose last run is remembered; the oldest are forgotten. */
const MAX_RUNS = 10_000;
/** How work ends that somebody stopped: that is no failure. */
const STOPPED = new Set(['AbortError', 'RunOverError']);

/** Options of the tracer. */
interface TracerOptions extends SpanStyle {
  capturesContent: boolean;
}

/** Records spans with OpenTelemetry. Which span is the current one follows asynchronous calls. */
export class OpenTelemetryTracer implements Tracer {
  /** The last run of each conversation. */
  private readonly runs = new Map<string, SpanContext>();

  constructor(
    private readonly tracer: OtelTracer,
    private readonly options: TracerOptions,
  ) {}

  get capturesContent(): boolean {
    return this.options.capturesContent;
  }

  async span<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T> {
    const { span, within } = this.begin(name, options);
    try {
      return await context.with(within, work, undefined, span);
    } catch (error) {
      recordError(span, error);
      throw error;
    } finally {
      span.end();
    }
  }

  open(name: string, options: SpanOptions): OpenSpan {
    const { span, within } = this.begin(name, options);
    span.work = within;
    return span;
  }

  apart(work: () => void): void {
    context.with(ROOT_CONTEXT, work);
  }

  mask(text: string): string {
    return this.options.mask(maskOf(context.active())?.(text) ?? text);
  }

  headers(): Record<string, string> {
    const headers: Record<string, string> = {};
    propagation.inject(context.active(), headers);
    return headers;
  }

  private begin(name: string, options: SpanOptions): { span: RecordedSpan; within: Context } {
    const active = context.active();
    if (options.onlyWithin && trace.getSpan(active) === undefined)
      return { span: new RecordedSpan(undefined, this.options), within: active };
    const { parent, link } = this.origin(options, active);
    const shared = { ...sharedOf(active), ...options.shared };
    const started = this.tracer.startSpan(
      name,
      { kind: KINDS[options.kind ?? 'internal'], links: link ? [{ context: link }] : [] },
      parent,
    );
    const mask = options.mask ?? maskOf(active);
    const span = new RecordedSpan(started, this.options, mask);
    span.set({ ...shared, ...options.attributes });
    if (options.runOf !== undefined) this.rememberRun(options.runOf, started);
    const within = trace.setSpan(parent.setValue(SHARED, shared).setValue(MASK, mask), started);
    return { span, within };
  }

  /** Where a span belongs, and what it refers to without belonging there. */
  private origin(options: SpanOptions, active: Context): { parent: Context; link?: SpanContext } {
    const remote = options.remote && this.remoteContext(options.remote);
    const current = trace.getSpanContext(active);
    if (remote) return { parent: remote, link: options.ownTrace ? current : undefined };
    const run = options.within === undefined ? undefined : this.runs.get(options.within);
    if (run) return { parent: trace.setSpanContext(ROOT_CONTEXT, run) };
    if (options.within !== undefined) return { parent: ROOT_CONTEXT };
    if (!options.ownTrace || active.getValue(IS_REMOTE) === true) return { parent: active };
    return { parent: ROOT_CONTEXT, link: current };
  }

  private remoteContext({
    traceparent,
    tracestate,
  }: NonNullable<SpanOptions['remote']>): Context | undefined {
    if (traceparent === undefined) return undefined;
    const found = propagation.extract(ROOT_CONTEXT, { traceparent, ...(tracestate && { tracestate }) });
    return trace.getSpanContext(found) && found.setValue(IS_REMOTE, true);
  }

  private rememberRun(conversationId: string, span: OtelSpan): void {
    this.runs.delete(conversationId);
    this.runs.set(conversationId, span.spanContext());
    const [oldest] = this.runs.keys();
    if (this.runs.size > MAX_RUNS && oldest !== undefined) this.runs.delete(oldest);
  }
}

function sharedOf(active: Context): Attributes | undefined {
  // Only `begin` sets it.
  return active.getValue(SHARED) as Attributes | undefined;
}

function maskOf(active: Context): TextMask | undefined {
  // Only `begin` sets it.
  return active.getValue(MASK) as TextMask | undefined;
}

/** Errors of models say with a code what they are. */
function recordError(span: Span, error: unknown): void {
  const name = errorName(error);
  if (STOPPED.has(name)) span.set({ 'openhands.interrupted': true });
  else span.fail(failureType(error) ?? name, errorMessage(error));
}

/** The code of errors that have one for clients: of models, and of the system. */
function failureType(error: unknown): string | undefined {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : undefined;
}
