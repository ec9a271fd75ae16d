import type { NestExpressApplication } from '@nestjs/platform-express';
import type { RequestHandler } from 'express';
import { boundConnections } from './routing/connection-bounds.js';
import { type CorsOptions, cors } from './routing/cors.js';
import { HttpExceptionFilter } from './errors/exception.filter.js';
import { RequestPipe } from './validation/request.pipe.js';
import { dropUnreadBody } from './body/rest-of-body.js';
import { JsonAdapter } from './json-adapter.js';
import { unmatchedRequests } from './routing/unmatched.js';

/** Options of the HTTP edge. */
export interface HttpOptions {
  /** Middleware that runs before all other, in this order. */
  first?: readonly RequestHandler[];
  cors?: CorsOptions;
  /** Answers requests whose bodies it reads itself, or passes them on. */
  beforeBodies?: RequestHandler;
  /** Answers requests that match no route, or passes them on. */
  unknownPath?: RequestHandler;
  /** Adds stacks to the bodies of 500s. */
  debug?: boolean;
  /** Longest time for which a client may not read from a large answer (ms). */
  stallMs?: number;
  /** Masks secrets in the text of a 500. */
  mask?: (text: string) => string;
}

/**
 * Sets up the HTTP edge of an application: CORS, answers to unmatched requests, the pipe that creates DTOs,
 * and the filter that answers errors. Call it before `app.init()`, on an application with a `JsonAdapter` and
 * `bodyParser: false`. Operations read their bodies (`RequestBodiesModule`) after the key was checked.
 */
export function configureHttp(app: NestExpressApplication, options: HttpOptions = {}): void {
  app.disable('x-powered-by');
  // Answers change all the time: hashing each one would cost more than it saves.
  app.disable('etag');
  app.set('query parser', 'simple');
  const adapter = app.getHttpAdapter();
  if (!(adapter instanceof JsonAdapter)) throw new TypeError('the application needs a JsonAdapter');
  const { beforeRoutes, afterRoutes } = unmatchedRequests(adapter.router, options.unknownPath);
  adapter.unmatched = afterRoutes;
  app.use(
    boundConnections(app.getHttpServer(), options.stallMs),
    dropUnreadBody,
    ...(options.first ?? []),
    cors(options.cors ?? { allows: () => false }),
    ...(options.beforeBodies ? [options.beforeBodies] : []),
    beforeRoutes,
  );
  app.useGlobalPipes(new RequestPipe());
  app.useGlobalFilters(new HttpExceptionFilter(options.debug, options.mask));
}
