import type { ServerResponse } from 'node:http';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorCode } from '../../errors/index.js';

/** What an answer is made of, piece by piece. What it opens, its `finally` blocks close. */
export type AnswerSource = AsyncGenerator<Uint8Array | string, void>;

/** Whether what a handler returned is to be sent piece by piece. */
export function isAnswerSource(body: unknown): body is AnswerSource {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body && 'return' in body;
}

/**
 * Sends the body of an answer while it is made, no faster than the client reads. Every answer that the server
 * itself makes piece by piece goes this way, so that whatever ends it (the last byte, a failure, a client
 * that leaves at any byte) also ends its source. Resolves when that is over; a client that leaves is no
 * failure.
 * @param through what it goes through on its way, such as a compressor
 * @throws what the source throws; the answer is cut off then
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
  try {
    const content = recordFailure(source, failures);
    await (through ? pipeline(content, through, response) : pipeline(content, response));
  } catch (error) {
    if (failures.length > 0) throw failures[0];
    // The pipeline destroys the response for a transform that fails, too; nothing but the client leaves
    // without an error.
    if (!isClientGone(error)) throw error;
  }
}

/** A list in JSON, made while it is sent. */
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

/** Aborts when the client leaves before its answer is out: for long work that is done for nobody else. */
export function abortWhenClientLeaves(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const leave = (): void => {
    if (!response.writableFinished) controller.abort();
  };
  if (response.closed) leave();
  else response.once('close', leave);
  return controller.signal;
}
