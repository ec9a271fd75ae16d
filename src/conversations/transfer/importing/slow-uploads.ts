import { performance } from 'node:perf_hooks';
import type { IncomingMessage } from 'node:http';

/** How fast an upload has to be: whoever sends one byte a minute would keep its place for ever. */
export interface UploadPace {
  /** How often it is looked at (ms). */
  windowMs: number;
  /** What has to arrive between two looks (bytes). */
  windowBytes: number;
  /** How long the whole upload may take (ms). */
  totalMs: number;
}

/** 16 KiB a second; the largest archive at 146 KiB a second. */
const PACE: UploadPace = { windowMs: 30_000, windowBytes: 480 * 1024, totalMs: 1_800_000 };

/**
 * Disconnects a client that sends too slowly. Does not read: it only looks at what others read.
 * @returns ends it
 */
export function disconnectSlow(request: IncomingMessage, pace: UploadPace = PACE): () => void {
  const { windowMs, windowBytes, totalMs } = pace;
  const { socket } = request;
  const started = performance.now();
  let seen = socket.bytesRead;
  const timer = setInterval(() => {
    const isLate = performance.now() - started > totalMs;
    if (isLate || socket.bytesRead - seen < windowBytes) request.destroy();
    seen = socket.bytesRead;
  }, windowMs).unref();
  return () => clearInterval(timer);
}
