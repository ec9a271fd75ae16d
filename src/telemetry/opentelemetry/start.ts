import { diag, DiagLogLevel } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { TelemetrySettings } from '../settings.js';
import type { Tracer } from '../span.js';
import { RareLog } from './rare-log.js';
import type { TextMask } from './recorded-span.js';
import { laminarName } from './laminar.js';
import { OpenTelemetryTracer } from './tracer.js';

/** Longest text of an attribute (characters), unless a variable of OpenTelemetry sets another limit. */
const MAX_TEXT = 32 * 1024;
/**
 * How many spans wait at most, and how many a request has. Fewer with contents, of which a span may hold
 * 100 KB: that bounds the memory, the time in which a batch is written, and its size, which receivers limit.
 */
const WAITING = {
  plain: { maxQueueSize: 2048, maxExportBatchSize: 256 },
  full: { maxQueueSize: 512, maxExportBatchSize: 64 },
};

/** A tracer, and the end of it. */
export interface RunningTelemetry {
  tracer: Tracer;
  /** Sends what is queued. May never settle. */
  shutdown: () => Promise<void>;
}

/**
 * Starts OpenTelemetry: spans are queued (of a bounded queue later ones are dropped) and sent in the
 * background. A receiver that is away costs a line in the log every few minutes and nothing else.
 */
export function startOpenTelemetry(
  settings: TelemetrySettings,
  about: Record<string, string>,
  mask: TextMask,
): RunningTelemetry {
  diag.setLogger(new RareLog(mask), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const Exporter = settings.protocol === 'http/json' ? JsonExporter : ProtobufExporter;
  const { url, headers } = settings;
  const exporter = new Exporter({ url, headers, ...compression(process.env) });
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': settings.serviceName, ...about }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanLimits: textLimit(process.env),
    spanProcessors: [new BatchSpanProcessor(exporter, waiting(process.env, settings.capturesContent))],
  });
  provider.register();
  const tracer = new OpenTelemetryTracer(
    provider.getTracer('openhands-agent-server', about['service.version']),
    {
      capturesContent: settings.capturesContent,
      aliases: settings.laminar ? laminarName : () => undefined,
      mask,
    },
  );
  return { tracer, shutdown: () => provider.shutdown() };
}

/** As in the original, requests are compressed; a variable of OpenTelemetry decides otherwise. */
function compression(env: NodeJS.ProcessEnv): { compression?: CompressionAlgorithm } {
  const isSet = env['OTEL_EXPORTER_OTLP_TRACES_COMPRESSION'] ?? env['OTEL_EXPORTER_OTLP_COMPRESSION'];
  return isSet ? {} : { compression: CompressionAlgorithm.GZIP };
}

function textLimit(env: NodeJS.ProcessEnv): { attributeValueLengthLimit?: number } {
  const isSet = env['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT'] ?? env['OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'];
  return isSet ? {} : { attributeValueLengthLimit: MAX_TEXT };
}

function waiting(env: NodeJS.ProcessEnv, withContents: boolean): Partial<typeof WAITING.plain> {
  const isSet = env['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'] ?? env['OTEL_BSP_MAX_QUEUE_SIZE'];
  if (isSet) return {};
  return withContents ? WAITING.full : WAITING.plain;
}
