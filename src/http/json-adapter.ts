import { Logger, StreamableFile } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import express, { type Response } from 'express';
import { errorStack } from '../errors/index.js';
import { isAnswerSource, streamAnswer } from './body/stream-answer.js';

/**
 * Express, but tells upper from lower case in paths, and answers JSON as `application/json` alone: JSON is
 * UTF-8 by its definition, and the wire names no charset. Texts and bytes that a handler marked as JSON go
 * out as they are, and what comes piece by piece as fast as the client takes it.
 */
export class JsonAdapter extends ExpressAdapter {
  private readonly log = new Logger('Http');

  constructor() {
    // As everything else takes paths: rules of proxies, CORS and cookies are for `/metrics`, and not for
    // `/METRICS`. To be said before the adapter uses it.
    super(express().enable('case sensitive routing'));
  }

  override reply(response: Response, body: unknown, statusCode?: number): unknown {
    if (isAnswerSource(body)) {
      if (statusCode !== undefined) response.status(statusCode);
      return streamAnswer(response, body).catch((error: unknown) => {
        this.log.error('an answer was cut off', errorStack(error));
        response.destroy();
      });
    }
    const isReady =
      (typeof body === 'string' || Buffer.isBuffer(body)) &&
      response.getHeader('Content-Type') === 'application/json';
    const isValue = typeof body === 'object' && body !== null && !response.hasHeader('Content-Type');
    if (body instanceof StreamableFile || !(isReady || isValue))
      return super.reply(response, body, statusCode);
    if (statusCode !== undefined) response.status(statusCode);
    response.setHeader('Content-Type', 'application/json');
    return response.end(isReady ? body : JSON.stringify(body));
  }

  /** Express would name a charset here, too. */
  override setHeader(response: Response, name: string, value: string): unknown {
    return response.setHeader(name, value);
  }
}
