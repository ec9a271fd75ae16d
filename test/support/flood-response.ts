import type { ServerResponse } from 'node:http';

/**
 * Writes a piece of an answer for ever, as fast as it is read.
 * @param written is told of each piece
 */
export function floodResponse(response: ServerResponse, piece: string | Buffer, written?: () => void): void {
  while (!response.destroyed) {
    written?.();
    if (!response.write(piece))
      return void response.once('drain', () => floodResponse(response, piece, written));
  }
}
