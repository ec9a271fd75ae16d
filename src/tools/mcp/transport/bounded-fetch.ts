import { MessageBound, MessageTooLongError, type MessageFraming } from './message-bound.js';

/**
 * Makes a `fetch` that ends answers without measure.
 * @param onTooLong is told of one before its reader is
 */
export function boundedFetch(onTooLong: (error: MessageTooLongError) => void): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (!response.body) return response;
    // A stream of events has no end.
    const isStream = response.headers.get('content-type')?.includes('text/event-stream') ?? false;
    const framing = isStream ? 'events' : 'whole';
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(bounded(framing, onTooLong)), {
      status,
      statusText,
      headers,
    });
  };
}

function bounded(
  framing: MessageFraming,
  onTooLong: (error: MessageTooLongError) => void,
): TransformStream<Uint8Array, Uint8Array> {
  const bound = new MessageBound(framing);
  return new TransformStream({
    transform(chunk, controller) {
      try {
        bound.take(chunk);
        controller.enqueue(chunk);
      } catch (error) {
        if (!(error instanceof MessageTooLongError)) throw error;
        onTooLong(error);
        controller.error(error);
      }
    },
  });
}
