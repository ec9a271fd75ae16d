import { LlmError } from './llm-error.js';

/** No model says so much (bytes): a stream takes some 200 for each token, so this is room for 300,000. */
const MAX_ANSWER = 64 * 1024 * 1024;

/** The response of a provider, which ends with an `LlmError` where it has no measure: memory must not fill with it. */
export function boundedAnswer(response: Response): Response {
  if (!response.body) return response;
  const { status, statusText, headers } = response;
  let length = 0;
  const bound = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      length += chunk.length;
      if (length <= MAX_ANSWER) controller.enqueue(chunk);
      else controller.error(new LlmError('LLMServiceUnavailableError', TOO_LONG));
    },
  });
  return new Response(response.body.pipeThrough(bound), { status, statusText, headers });
}

const TOO_LONG =
  `The LLM endpoint sent more than ${MAX_ANSWER / 1024 / 1024} MiB as one answer. ` +
  'Check the reverse proxy or model server configuration.';
