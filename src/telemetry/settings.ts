import { isHttpUrl, parseUrl } from '../text/index.js';

/** Where traces go and what they contain, from the environment. */
export interface TelemetrySettings {
  /** The address that requests with spans are posted to. */
  url: string;
  /** Headers beside those of the standard variables, which the exporter reads itself. */
  headers: Record<string, string>;
  protocol: 'http/protobuf' | 'http/json';
  /** Whether messages, arguments and results become attributes. */
  capturesContent: boolean;
  /** Whether the receiver is Laminar, which groups by attributes of its own. */
  laminar: boolean;
  serviceName: string;
}

/** What the variables say, and what is wrong with them. */
export interface TelemetryChoice {
  /** Undefined: traces are off. */
  settings: TelemetrySettings | undefined;
  warnings: string[];
}

const DEFAULT_URL = 'http://localhost:4318/v1/traces';
const TRACES_PATH = '/v1/traces';
const GRPC_PORT = '4317';
const HTTP_PORT = '4318';
/** The variable of the conventions, whose newer values name the place of the contents. */
const CONTENT_VARIABLE = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT';
const WITH_CONTENT = new Set(['true', '1', 'span_only', 'span_and_event']);

/**
 * Reads the variables of OpenTelemetry that switch traces on, and those of the original: `OTEL_ENDPOINT`,
 * `OTEL_HEADERS`, `OTEL_PROTOCOL` and `LMNR_...`. Sampling, limits, batches, timeouts and certificates are
 * read by OpenTelemetry itself.
 */
export function chooseTelemetry(env: NodeJS.ProcessEnv): TelemetryChoice {
  const warnings: string[] = [];
  const off = { settings: undefined, warnings };
  const read = (name: string): string | undefined => nonEmpty(env[name]?.trim());
  if (read('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return off;
  const exporter = read('OTEL_TRACES_EXPORTER');
  if (exporter === 'none') return off;
  if (exporter !== undefined && exporter !== 'otlp') {
    warnings.push(`OTEL_TRACES_EXPORTER=${exporter} is not supported (otlp, none): no traces`);
    return off;
  }
  const laminarKey = read('LMNR_PROJECT_API_KEY');
  const address = laminarKey === undefined ? addressOf(read, exporter) : laminarAddress(read);
  if (address === undefined) return off;
  const url = parseHttpUrl(address.value);
  if (url === undefined) {
    warnings.push(`${address.variable} is not an http:// or https:// address: no traces`);
    return off;
  }
  address.complete(url);
  const protocol = protocolOf(read, url, warnings);
  return {
    settings: {
      url: url.href,
      headers: laminarKey === undefined ? ownHeaders(read, warnings) : bearer(laminarKey),
      protocol,
      capturesContent: WITH_CONTENT.has(read(CONTENT_VARIABLE)?.toLowerCase() ?? ''),
      laminar: laminarKey !== undefined,
      serviceName: read('OTEL_SERVICE_NAME') ?? 'openhands-agent-server',
    },
    warnings,
  };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

type Read = (name: string) => string | undefined;

/** An address, the variable that it comes from, and how its path is completed. */
interface Address {
  variable: string;
  value: string;
  complete: (url: URL) => void;
}

/** The first of the variables that is set. The general one is a base; the others are taken as they are. */
function addressOf(read: Read, exporter: string | undefined): Address | undefined {
  for (const variable of [
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_ENDPOINT',
  ]) {
    const value = read(variable);
    if (value !== undefined) {
      const complete = variable === 'OTEL_EXPORTER_OTLP_ENDPOINT' ? appendPath : setMissingPath;
      return { variable, value, complete };
    }
  }
  if (exporter === undefined) return undefined;
  return { variable: 'OTEL_TRACES_EXPORTER', value: DEFAULT_URL, complete: setMissingPath };
}

function laminarAddress(read: Read): Address {
  const port = read('LMNR_HTTP_PORT');
  const complete = (url: URL): void => {
    if (port !== undefined) url.port = port;
    setMissingPath(url);
  };
  return { variable: 'LMNR_BASE_URL', value: read('LMNR_BASE_URL') ?? 'https://api.lmnr.ai', complete };
}

function appendPath(url: URL): void {
  url.pathname = url.pathname.replace(/\/$/, '') + TRACES_PATH;
}

function setMissingPath(url: URL): void {
  if (url.pathname === '/') url.pathname = TRACES_PATH;
}

/** Everything is sent over HTTP: the exporter for gRPC needs Node 22.15 (0.301). */
function protocolOf(read: Read, url: URL, warnings: string[]): TelemetrySettings['protocol'] {
  const named =
    read('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ??
    read('OTEL_EXPORTER_OTLP_PROTOCOL') ??
    read('OTEL_PROTOCOL');
  if (named === 'http/json') return named;
  const isGrpc = named === 'grpc' || (named === undefined && url.port === GRPC_PORT);
  if (isGrpc && url.port === GRPC_PORT) url.port = HTTP_PORT;
  if (isGrpc) {
    warnings.push(`gRPC is not supported: traces are sent as http/protobuf to ${url.origin}${url.pathname}`);
  } else if (named !== undefined && named !== 'http/protobuf') {
    warnings.push(`the OTLP protocol ${named} is not supported: traces are sent as http/protobuf`);
  }
  return 'http/protobuf';
}

function parseHttpUrl(value: string): URL | undefined {
  return isHttpUrl(value) ? parseUrl(value) : undefined;
}

/** `OTEL_HEADERS` of the original. The exporter reads those of the standard, which come first. */
function ownHeaders(read: Read, warnings: string[]): Record<string, string> {
  const text = read('OTEL_HEADERS');
  const standard = read('OTEL_EXPORTER_OTLP_TRACES_HEADERS') ?? read('OTEL_EXPORTER_OTLP_HEADERS');
  if (text === undefined || standard !== undefined) return {};
  const headers: Record<string, string> = {};
  for (const pair of text.split(',').filter((part) => part.trim() !== '')) {
    const [, name, encoded = ''] = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=(.*)$/s.exec(pair) ?? [];
    const value = decoded(encoded.trim());
    if (name === undefined || value === undefined)
      warnings.push('OTEL_HEADERS has a part that is no K=V: ignored');
    else headers[name.toLowerCase()] = value;
  }
  return headers;
}

/** Undefined for what no header may contain. */
function decoded(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text);
    return /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}
