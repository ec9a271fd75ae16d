import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { ForwardedHeaders } from './end-to-end-headers.js';

/** More than that is a leak. */
const MAX_LISTENERS = 30;

/**
 * Sends the answer of an upstream to the client, no faster than it reads. Headers are sent at once, so that
 * clients of event streams see them before the first event. An answer that is cut is cut for the client, too.
 * Resolves when it is over.
 */
export async function passAnswer(
  answer: IncomingMessage,
  response: ServerResponse,
  headers: ForwardedHeaders,
): Promise<void> {
  // The log, the audit, limits and whoever forwards watch its end, besides the pipeline.
  response.setMaxListeners(MAX_LISTENERS);
  response.statusCode = answer.statusCode ?? 502;
  for (const [name, values] of Object.entries(headers)) response.setHeader(name, values);
  // A short answer and its headers are sent together.
  const early = setImmediate(() => {
    if (!response.headersSent && !response.destroyed) response.flushHeaders();
  });
  await pipeline(answer, response).catch(() => undefined);
  clearImmediate(early);
}
