import { isJsonObject, type JsonObject, tryParseJson } from '../../json/index.js';

/** A longer span context is none (characters). */
const MAX_CONTEXT = 1_000;

/** The span name that stands for none. */
const DEFAULT_SPAN_NAME = 'conversation';

/** What a client, and the environment beneath it, wants to see in the traces of a conversation. */
export interface Observability {
  /** The name of the runs' spans; undefined: that of the conventions. */
  spanName: string | undefined;
  userId: string | undefined;
  tags: readonly string[];
  metadata: JsonObject;
  /** The W3C form of the span to which all belongs. */
  traceparent: string | undefined;
}

/**
 * Reads the observability fields of a conversation. `OPENHANDS_OBSERVABILITY_METADATA` and `..._SPAN_NAME`
 * give what the request left out, as in the original: only in traces, not in what is stored.
 * @param rest fields of the create request that are stored as they are
 */
export function observabilityOf(rest: JsonObject, env: NodeJS.ProcessEnv = process.env): Observability {
  const { user_id, observability_metadata, observability_tags, observability_span_name } = rest;
  const { observability_parent_span_context: parent } = rest;
  const named = observability_span_name === DEFAULT_SPAN_NAME ? undefined : text(observability_span_name);
  return {
    spanName: named ?? text(env['OPENHANDS_OBSERVABILITY_SPAN_NAME']),
    userId: text(user_id),
    tags: Array.isArray(observability_tags)
      ? observability_tags.filter((tag) => typeof tag === 'string')
      : [],
    metadata: {
      ...objectIn(env['OPENHANDS_OBSERVABILITY_METADATA']),
      ...(isJsonObject(observability_metadata) ? observability_metadata : {}),
    },
    traceparent: typeof parent === 'string' ? traceparentOf(parent) : undefined,
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function objectIn(json: string | undefined): JsonObject {
  const value = json === undefined ? undefined : tryParseJson(json);
  return isJsonObject(value) ? value : {};
}

/**
 * A span context of the original as a W3C header: ids are UUIDs there, and that of a span has zeros before
 * its eight bytes. Undefined for anything else.
 */
function traceparentOf(json: string): string | undefined {
  if (json.length > MAX_CONTEXT) return undefined;
  const value = tryParseJson(json);
  if (!isJsonObject(value)) return undefined;
  const trace = hexOf(value['trace_id']);
  const span = hexOf(value['span_id']);
  if (trace?.length !== 32 || (span?.length !== 32 && span?.length !== 16)) return undefined;
  return `00-${trace}-${span.slice(-16)}-01`;
}

function hexOf(id: unknown): string | undefined {
  if (typeof id !== 'string') return undefined;
  const hex = id.replaceAll('-', '').toLowerCase();
  return /^[\da-f]+$/.test(hex) ? hex : undefined;
}
