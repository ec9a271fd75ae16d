import { InvalidRequestError } from '../../../errors/index.js';
import type { IncomingHttpHeaders } from 'node:http';
import { type FieldType, prefixPath, RequestValidationError } from '../../../http/index.js';
import { isJsonObject } from '../../../json/index.js';
import { observabilityMetadata, observabilitySpanName } from '../dto/observability-fields.js';
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
 * Sets observability fields from headers, which proxies add without changing the body. What the body says
 * wins, for metadata key by key.
 * @throws InvalidRequestError if the metadata is not JSON; RequestValidationError for other values that the
 *   body could not have either
 */
export function withObservabilityHeaders(
  dto: StartConversationRequestDto,
  headers: IncomingHttpHeaders,
): StartConversationRequestDto {
  const header = (name: string): string | undefined => {
    const value = headers[PREFIX + name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const spanName = checked(observabilitySpanName, header('span-name'));
  if (typeof spanName === 'string' && dto.observability_span_name === DEFAULT_SPAN_NAME)
    dto.observability_span_name = spanName;
  const tags = header('tags')
    ?.split(',')
    .map((tag) => tag.trim());
  if (tags && dto.observability_tags.length === 0) dto.observability_tags = tags.filter((tag) => tag !== '');
  const metadata = checked(observabilityMetadata, parseMetadata(header('metadata')));
  if (isJsonObject(metadata)) dto.observability_metadata = { ...metadata, ...dto.observability_metadata };
  dto.observability_parent_span_context ??= header('parent-span-context') ?? null;
  return dto;
}

const DEFAULT_SPAN_NAME = 'conversation';

function parseMetadata(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidRequestError([], 'X-OpenHands-Observability-Metadata must be a JSON object');
  }
}

/** The value of a header as the field of the body takes it. As in the original, problems name no place. */
function checked(field: FieldType, value: unknown): unknown {
  const problems = value === undefined ? [] : field.problems(value);
  if (problems.length > 0) throw new RequestValidationError(prefixPath([], problems), {});
  return value;
}
