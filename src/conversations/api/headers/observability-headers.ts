import { InvalidRequestError } from '../../../errors/index.js';
import type { IncomingHttpHeaders } from 'node:http';
import { isJsonObject } from '../../../json/index.js';
import type { StartConversationRequestDto } from '../dto/start-conversation.dto.js';

const PREFIX = 'x-openhands-observability-';

/** The headers, for the API document. */
export const OBSERVABILITY_HEADERS = {
  'X-OpenHands-Observability-Span-Name': 'Sets `observability_span_name`.',
  'X-OpenHands-Observability-Tags': 'Sets `observability_tags`; separated by commas.',
  'X-OpenHands-Observability-Metadata': 'Sets `observability_metadata`; a JSON object.',
  'X-OpenHands-Observability-Parent-Span-Context': 'Sets `observability_parent_span_context`.',
} as const;

/**
 * Sets observability fields from headers, which proxies add without changing the body. Only fields that have
 * their default in the body are set.
 * @throws InvalidRequestError if the metadata is not a JSON object
 */
export function withObservabilityHeaders(
  dto: StartConversationRequestDto,
  headers: IncomingHttpHeaders,
): StartConversationRequestDto {
  const header = (name: string): string | undefined => {
    const value = headers[PREFIX + name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const spanName = header('span-name');
  if (spanName && dto.observability_span_name === DEFAULT_SPAN_NAME) dto.observability_span_name = spanName;
  const tags = header('tags')
    ?.split(',')
    .map((tag) => tag.trim());
  if (tags && dto.observability_tags.length === 0) dto.observability_tags = tags.filter((tag) => tag !== '');
  const metadata = header('metadata');
  if (metadata && Object.keys(dto.observability_metadata).length === 0) {
    dto.observability_metadata = parseMetadata(metadata);
  }
  dto.observability_parent_span_context ??= header('parent-span-context') ?? null;
  return dto;
}

const DEFAULT_SPAN_NAME = 'conversation';

function parseMetadata(text: string): Record<string, unknown> {
  const invalid = new InvalidRequestError([], 'X-OpenHands-Observability-Metadata must be a JSON object');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid;
  }
  if (!isJsonObject(value)) throw invalid;
  return value;
}
