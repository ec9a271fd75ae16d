import type { ServerResponse } from 'node:http';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorCode } from '../../errors/index.js';

/** Listeners of one event of an answer beyond which Node warns of a leak. */
const MAX_LISTENERS = 20;

/** The chunks of a streamed answer. Its `finally` blocks release what it opens. */
export type AnswerSource = AsyncGenerator<Uint8Array | string, void>;

/** Whether the return value of a handler is a streamed answer. */
export function isAnswerSource(body: unknown): body is AnswerSource {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body && 'return' in body;
}

/**
 * Sends the body of an answer while it is generated, no faster than the client reads. However the answer ends
 * (last byte, error, client disconnects), its source is closed. Resolves when it has ended; a disconnected
 * client is not an error.
 * @param through a transform for the body, such as a compressor
 * @throws errors of the source; the answer is incomplete then
 */
export async function streamAnswer(
  response: ServerResponse,
  source: AnswerSource,
  through?: Transform,
): Promise<void> {
  if (response.destroyed || response.req.method === 'HEAD') {
    await source.return();
    response.end();
    return;
  }
  const failures: unknown[] = [];
  // Logs, bounds and streams of events listen for its end, and a pipeline does so several times.
  response.setMaxListeners(MAX_LISTENERS);
  try {
    const content = recordFailure(source, failures);
    await (through ? pipeline(content, through, response) : pipeline(content, response));
  } catch (error) {
    if (failures.length > 0) throw failures[0];
    // A failed transform destroys the response too, but with an error of its own.
    if (!isClientGone(error)) throw error;
  }
}

/** A JSON array, generated while it is sent. */
export async function* streamJsonArray(
  items: AsyncIterable<string> | Iterable<Uint8Array | string>,
): AnswerSource {
  let separator = '[';
  for await (const item of items) {
    yield separator;
    yield item;
    separator = ',';
  }
  yield separator === '[' ? '[]' : ']';
}

async function* recordFailure(source: AnswerSource, failures: unknown[]): AnswerSource {
  try {
    yield* source;
  } catch (error) {
    failures.push(error);
    throw error;
  }
}

function isClientGone(error: unknown): boolean {
  return ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE'].includes(errorCode(error) ?? '');
}

/** A signal that aborts when the client disconnects before its answer is complete. */
export function abortWhenClientLeaves(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const leave = (): void => {
    if (!response.writableFinished) controller.abort();
  };
  if (response.closed) leave();
  else response.once('close', leave);
  return controller.signal;
}
