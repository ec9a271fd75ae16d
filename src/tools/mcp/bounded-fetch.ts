import { MessageTooLongError } from './message-too-long.js';

/** The longest message of a server (bytes), as on standard output. */
const MAX_MESSAGE = 10 * 1024 * 1024;
const LINE_END = 0x0a;

/**
 * Makes a `fetch` that ends answers without measure.
 * @param onTooLong is told of one before its reader is
 */
export function boundedFetch(onTooLong: (error: MessageTooLongError) => void): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (!response.body) return response;
    // A message of a stream of events is a line of it, and the stream has no end.
    const inLines = response.headers.get('content-type')?.includes('text/event-stream') ?? false;
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(bound(inLines, onTooLong)), {
      status,
      statusText,
      headers,
    });
  };
}

function bound(
  inLines: boolean,
  onTooLong: (error: MessageTooLongError) => void,
): TransformStream<Uint8Array, Uint8Array> {
  let length = 0;
  return new TransformStream({
    transform(chunk, controller) {
      const lineEnd = inLines ? chunk.lastIndexOf(LINE_END) : -1;
      length = lineEnd === -1 ? length + chunk.length : chunk.length - lineEnd - 1;
      if (length <= MAX_MESSAGE) {
        controller.enqueue(chunk);
        return;
      }
      const error = new MessageTooLongError();
      onTooLong(error);
      controller.error(error);
    },
  });
}
