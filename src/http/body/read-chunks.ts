import { HttpException, HttpStatus, PayloadTooLargeException } from '@nestjs/common';
import type { Request } from 'express';

/** Limits on reading one body. */
export interface BodyBounds {
  /** Bytes; a longer body is answered with 413. */
  limit: number;
  /** Milliseconds without a byte after which the request is answered with 408. */
  idleMs: number;
  /** Milliseconds for the whole body, after which the request is answered with 408; none by default. */
  totalMs?: number;
  /**
   * Called with the size of each chunk before the chunk is buffered.
   * @throws the error that the request is answered with
   */
  reserve: (bytes: number) => void;
}

const INCOMPLETE = 'The request body was cut off';
const STALLED = 'The request body did not arrive in time';

/**
 * Reads the body of a request within limits.
 * @param onChunk called with each chunk; what it throws is the error that the request is answered with
 * @throws HttpException 400, 408, 413; errors of `reserve` and `onChunk`
 */
export function readChunks(
  request: Request,
  { limit, idleMs, totalMs, reserve }: BodyBounds,
  onChunk: (chunk: Buffer) => void,
): Promise<void> {
  const tooLarge = () =>
    new PayloadTooLargeException(
      `Request body too large: the limit is ${limit} bytes. Send large files to the file routes.`,
    );
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    let size = 0;
    const stalled = (): void => fail(new HttpException(STALLED, HttpStatus.REQUEST_TIMEOUT));
    const idle = setTimeout(stalled, idleMs);
    const total = totalMs === undefined ? undefined : setTimeout(stalled, totalMs);
    const onData = (chunk: Buffer): void => {
      idle.refresh();
      try {
        if (size + chunk.length > limit) throw tooLarge();
        reserve(chunk.length);
        size += chunk.length;
        onChunk(chunk);
      } catch (error) {
        fail(error);
      }
    };
    const onEnd = (): void => {
      stop();
      resolve();
    };
    const onClose = (): void => fail(new HttpException(INCOMPLETE, HttpStatus.BAD_REQUEST));
    const stop = (): void => {
      clearTimeout(idle);
      clearTimeout(total);
      request.off('data', onData).off('end', onEnd).off('close', onClose);
    };
    // The rest of the body is discarded when the answer is sent.
    const fail = (error: unknown): void => {
      stop();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    // Stays attached: an error after the answer must not end the process. `close` follows every error.
    request.on('error', () => undefined);
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}
