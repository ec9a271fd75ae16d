export type { Attributes, OpenSpan, Span, SpanOptions } from './span.js';
export { maskTelemetryWith, startTelemetry, stopTelemetry } from './start-telemetry.js';
export {
  apartFromSpans,
  capturesContent,
  contentText,
  isTracing,
  openSpan,
  traced,
  traceHeaders,
} from './tracing.js';
