import type { Request } from 'express';

/** Whether a request only reads. */
export function isReading({ method }: Request): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Whether a browser opens the path as a page, as opposed to API clients, probes and scripts. */
export function isNavigation(request: Request): boolean {
  const destination = request.get('sec-fetch-dest');
  const isDocument = destination === undefined || destination === 'document' || destination === 'iframe';
  return isDocument && (request.get('accept') ?? '').includes('text/html');
}

/**
 * Whether the client wants a page rather than JSON. Clients that accept anything (curl, axios, Python's
 * requests) want JSON.
 */
export function prefersPage(request: Request): boolean {
  return isReading(request) && isNavigation(request) && request.accepts(['json', 'html']) === 'html';
}
