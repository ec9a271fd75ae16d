import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ByteBudget } from '../../flow/index.js';
import { readChunks } from './read-chunks.js';

/** Limits on one body whose bytes a handler needs as they came. */
interface RawBodyBounds {
  /** Bytes; a longer body is answered with 413. */
  limit: number;
  /** Time for the whole body (ms). */
  totalMs: number;
}

/** Reads bodies whose exact bytes count, such as signed ones. They count as in flight until the answer. */
@Injectable()
export class RawBodies {
  constructor(private readonly budget: ByteBudget) {}

  /** @throws HttpException 400, 408, 413, 503 */
  async read(request: Request, response: Response, { limit, totalMs }: RawBodyBounds): Promise<Buffer> {
    const held = this.budget.hold();
    response.once('close', () => held.shrink());
    const chunks: Buffer[] = [];
    const reserve = (bytes: number): void => {
      if (held.grow(bytes)) return;
      response.setHeader('Retry-After', 1);
      throw new ServiceUnavailableException('The server is processing as many bytes as it may; retry later');
    };
    await readChunks(
      request,
      { limit, idleMs: totalMs, totalMs, reserve },
      (chunk) => void chunks.push(chunk),
    );
    return Buffer.concat(chunks);
  }
}
