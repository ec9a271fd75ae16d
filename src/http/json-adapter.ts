import { Logger, StreamableFile } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import express, { type Express, type RequestHandler, type Response, type Router } from 'express';
import { errorStack } from '../errors/index.js';
import { isAnswerSource, streamAnswer } from './body/stream-answer.js';

/**
 * Nest's Express adapter with case-sensitive paths. Answers JSON as `application/json` without a
 * charset, as the original does. Strings and buffers that a handler marked as JSON are sent unchanged;
 * `AnswerSource`s are streamed.
 */
export class JsonAdapter extends ExpressAdapter {
  private readonly log = new Logger('Http');

  /** Answers requests that match no route; set before the application starts. */
  unmatched: RequestHandler | undefined;

  constructor() {
    // Proxies, CORS and cookies distinguish case in paths: `/METRICS` is not `/metrics`. Express reads the
    // setting when it creates its router.
    super(express().enable('case sensitive routing'));
  }

  /** The router of the application, with all its routes once the application has started. */
  get router(): Router {
    return this.getInstance<Express>().router;
  }

  /** Nest calls this after it has registered the routes. */
  override setNotFoundHandler(...args: Parameters<ExpressAdapter['setNotFoundHandler']>): void {
    if (this.unmatched) this.use(this.unmatched);
    else super.setNotFoundHandler(...args);
  }

  override reply(response: Response, body: unknown, statusCode?: number): unknown {
    if (isAnswerSource(body)) {
      if (statusCode !== undefined) response.status(statusCode);
      return streamAnswer(response, body).catch((error: unknown) => {
        this.log.error('an answer is incomplete', errorStack(error));
        response.destroy();
      });
    }
    const isSerialised =
      (typeof body === 'string' || Buffer.isBuffer(body)) &&
      response.getHeader('Content-Type') === 'application/json';
    const isValue = typeof body === 'object' && body !== null && !response.hasHeader('Content-Type');
    if (body instanceof StreamableFile || !(isSerialised || isValue))
      return super.reply(response, body, statusCode);
    if (statusCode !== undefined) response.status(statusCode);
    response.setHeader('Content-Type', 'application/json');
    return response.end(isSerialised ? body : JSON.stringify(body));
  }

  /** Express would add a charset to the content type. */
  override setHeader(response: Response, name: string, value: string): unknown {
    return response.setHeader(name, value);
  }
}
