import type { NestExpressApplication } from '@nestjs/platform-express';
import type { RequestHandler } from 'express';
import { boundConnections } from './routing/connection-bounds.js';
import { type CorsOptions, cors } from './routing/cors.js';
import { HttpExceptionFilter } from './errors/exception.filter.js';
import { RequestPipe } from './validation/request.pipe.js';
import { dropUnreadBody } from './body/rest-of-body.js';
import { JsonAdapter } from './json-adapter.js';
import { refuseHead, unmatched } from './routing/unmatched.js';

/** How the HTTP edge is to behave; everything has a default. */
export interface HttpOptions {
  /** Come before everything else, in this order. */
  first?: readonly RequestHandler[];
  cors?: CorsOptions;
  /** Answers some requests with its own eyes on their bodies, or passes them on. */
  beforeBodies?: RequestHandler;
  /** Answers what no route knows, or passes it on. */
  unknownPath?: RequestHandler;
  /** Adds stacks to the bodies of 500s. */
  debug?: boolean;
  /** How long a client may take nothing of a large answer (ms). */
  stallMs?: number;
  /** Frees what a 500 tells of an unforeseen error from secrets. */
  mask?: (text: string) => string;
}

/**
 * Gives an application its HTTP edge: CORS, routing edges, the pipe that makes DTOs, and the filter that
 * answers errors. Call it before `app.init()`, on an application that was created with `bodyParser: false`.
 * Bodies are read by the operations that have one (`RequestBodiesModule`), once the key was checked.
 */
export function configureHttp(app: NestExpressApplication, options: HttpOptions = {}): void {
  app.disable('x-powered-by');
  // Answers are alive: a hash of each would cost more than it could save.
  app.disable('etag');
  app.set('query parser', 'simple');
  const adapter = app.getHttpAdapter();
  if (!(adapter instanceof JsonAdapter)) throw new TypeError('the application needs a JsonAdapter');
  adapter.unmatched = unmatched(adapter.router, options.unknownPath);
  app.use(
    boundConnections(app.getHttpServer(), options.stallMs),
    dropUnreadBody,
    ...(options.first ?? []),
    cors(options.cors ?? { allows: () => false }),
    ...(options.beforeBodies ? [options.beforeBodies] : []),
    refuseHead(adapter.unmatched),
  );
  app.useGlobalPipes(new RequestPipe());
  app.useGlobalFilters(new HttpExceptionFilter(options.debug, options.mask));
}
