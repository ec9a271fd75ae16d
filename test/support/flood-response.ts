import type { ServerResponse } from 'node:http';

/**
 * Writes a chunk again and again, as fast as it is read.
 * @param written called for each chunk
 */
export function floodResponse(response: ServerResponse, piece: string | Buffer, written?: () => void): void {
  while (!response.destroyed) {
    written?.();
    if (!response.write(piece))
      return void response.once('drain', () => floodResponse(response, piece, written));
  }
}
