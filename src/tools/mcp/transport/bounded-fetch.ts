import { traceHeaders } from '../../../telemetry/index.js';
import { MessageBound, MessageTooLongError, type MessageFraming } from './message-bound.js';

/**
 * Creates a `fetch` that aborts responses whose messages are too long.
 * @param onTooLong called before the reader of the response gets the error
 */
export function boundedFetch(onTooLong: (error: MessageTooLongError) => void): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, withTrace(init));
    if (!response.body) return response;
    // An event stream is endless: each event is checked separately.
    const isStream = response.headers.get('content-type')?.includes('text/event-stream') ?? false;
    const framing = isStream ? 'events' : 'whole';
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(boundingStream(framing, onTooLong)), {
      status,
      statusText,
      headers,
    });
  };
}

/** The server may go on with the trace of the tool's call. */
function withTrace(init: RequestInit | undefined): RequestInit | undefined {
  const added = Object.entries(traceHeaders());
  if (added.length === 0) return init;
  const headers = new Headers(init?.headers);
  for (const [name, value] of added) if (!headers.has(name)) headers.set(name, value);
  return { ...init, headers };
}

function boundingStream(
  framing: MessageFraming,
  onTooLong: (error: MessageTooLongError) => void,
): TransformStream<Uint8Array, Uint8Array> {
  const bound = new MessageBound(framing);
  return new TransformStream({
    transform(chunk, controller) {
      try {
        bound.check(chunk);
        controller.enqueue(chunk);
      } catch (error) {
        if (!(error instanceof MessageTooLongError)) throw error;
        onTooLong(error);
        controller.error(error);
      }
    },
  });
}
