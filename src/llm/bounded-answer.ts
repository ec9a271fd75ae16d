import { LlmError } from './llm-error.js';

const MIB = 1024 * 1024;
/** No model says so much in a stream: some take 350 bytes for each token, so this is room for 190,000 of them. */
const MAX_STREAM = 64 * MIB;
/** One event of a stream; the largest that there are bring pictures, or repeat the whole answer. */
const MAX_LINE = 8 * MIB;
/** An answer that is not streamed. */
const MAX_BODY = 16 * MIB;
const LINE_END = 0x0a;

/** The response of a provider, which ends with an `LlmError` where it has no measure: memory must not fill with it. */
export function boundedAnswer(response: Response): Response {
  if (!response.body) return response;
  const { status, statusText, headers } = response;
  const type = headers.get('content-type') ?? '';
  const inLines = /event-stream|ndjson/.test(type) && !type.includes('amazon');
  const most = /stream|ndjson/.test(type) ? MAX_STREAM : MAX_BODY;
  let length = 0;
  let line = 0;
  const bound = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      length += chunk.length;
      const end = inLines ? chunk.lastIndexOf(LINE_END) : -1;
      line = end === -1 ? line + chunk.length : chunk.length - end - 1;
      if (length > most) controller.error(tooLong(most, 'answer'));
      else if (inLines && line > MAX_LINE) controller.error(tooLong(MAX_LINE, 'line of a stream'));
      else controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(bound), { status, statusText, headers });
}

function tooLong(bytes: number, what: string): LlmError {
  return new LlmError(
    'LLMServiceUnavailableError',
    `The LLM endpoint sent more than ${bytes / MIB} MiB as one ${what}. ` +
      'Check the reverse proxy or model server configuration.',
  );
}
