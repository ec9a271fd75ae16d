import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { withinRequest, type RequestContext } from './request-context.js';
import { loggableUrl } from './loggable-url.js';

/** Request ids that are accepted from callers. */
const CALLERS_ID = /^[\w.:-]{1,128}$/;
/** Paths that health checks request every few seconds. */
const PROBES = new Set(['/alive', '/health', '/ready']);

/**
 * Middleware that assigns each request an id (the caller's `X-Request-ID` or a new one), which the answer
 * contains, and logs method, path without secrets, status and duration when the answer is sent. Health checks
 * are logged at level `debug`. Must be the first middleware.
 * @param addressOf the address of the client
 */
export function requestLog(
  addressOf: (request: Request) => string | undefined = ({ socket }) => socket.remoteAddress,
) {
  const logger = new Logger('Http');
  return (request: Request, response: Response, next: NextFunction): void => {
    const started = performance.now();
    const context: RequestContext = { id: requestId(request.get('x-request-id')), answered: false };
    const { method, originalUrl } = request;
    const client = addressOf(request);
    response.setHeader('X-Request-ID', context.id);
    response.on('close', () => {
      context.answered = true;
      const took = performance.now() - started;
      const path = loggableUrl(originalUrl);
      const line = {
        message: lineOf(method, path, response, took),
        method,
        path,
        status: response.statusCode,
        duration_ms: Math.round(took * 1000) / 1000,
        client,
        request_id: context.id,
      };
      if (PROBES.has(originalUrl)) logger.debug(line);
      else logger.log(line);
    });
    withinRequest(context, next);
  };
}

/** The caller's id if it is valid, else a new one of 32 hexadecimal digits. */
export function requestId(given: string | undefined): string {
  return given !== undefined && CALLERS_ID.test(given) ? given : randomUUID().replaceAll('-', '');
}

function lineOf(method: string, path: string, response: Response, took: number): string {
  const ended = response.writableFinished ? '' : ', cut off before its answer was complete';
  return `${method} ${path} ${response.statusCode} in ${took.toFixed(1)} ms${ended}`;
}
