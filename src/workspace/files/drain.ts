import type { Request } from 'express';

/** A client that is still sending would not see the answer: so much of what is left is read and dropped (bytes, ms). */
const DRAINED_BYTES = 64 * 1024 * 1024;
const DRAINED_MS = 5_000;

/** Reads and drops what is left of a request, up to a limit; then the answer can be seen. */
export async function drain(request: Request): Promise<void> {
  if (request.readableEnded || request.destroyed) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, DRAINED_MS);
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > DRAINED_BYTES) resolve();
    });
    request.once('end', resolve).once('close', resolve);
    request.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
    request.resume();
  });
}
