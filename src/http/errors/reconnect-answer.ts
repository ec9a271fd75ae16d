import type { Request as HttpRequest, Response as HttpResponse } from 'express';

/** The routes whose answers are streams of server-sent events that clients open again after their end. */
const STREAM = /\/conversations\/[^/]+\/events\/stream$/;
/** Failures that end by themselves: a server is starting, ending, moving or not reached. */
const TEMPORARY: ReadonlySet<number> = new Set([502, 503, 504]);
/** When the failure does not say (s). */
const RETRY_SECONDS = 5;

/**
 * Answers a client that follows events, and cannot now, with an empty stream that tells it when to connect
 * again. A browser's `EventSource` would give up for ever after any other status than 200.
 * @returns whether it was answered; false for other clients, routes and failures
 */
export function answerReconnect(
  request: HttpRequest,
  response: HttpResponse,
  status: number,
  retryAfter: string | undefined,
): boolean {
  const isStream = request.method === 'GET' && STREAM.test(request.path);
  const wantsEvents = request.headers.accept?.trim().toLowerCase() === 'text/event-stream';
  if (!isStream || !wantsEvents || !TEMPORARY.has(status) || response.headersSent) return false;
  response.status(200).setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  response.end(`: not available now (${status})\nretry: ${Number(retryAfter ?? RETRY_SECONDS) * 1000}\n\n`);
  return true;
}
