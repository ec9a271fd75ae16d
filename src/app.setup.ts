import type { LoggerService, LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';
import { isLoopbackOnly, serveLoopbackOnly } from './auth/index.js';
import type { AppConfig } from './config/index.js';
import { KnownSecrets } from './crypto/index.js';
import { configureHttp } from './http/configure-http.js';
import { JsonAdapter } from './http/json-adapter.js';
import { isDebug, requestLog } from './logging/index.js';
import { setupOpenApi } from './openapi/index.js';
import { PatternWsAdapter } from './sockets/pattern-ws-adapter.js';

/**
 * Creates the server that `main` and the tests start: everything is wired, nothing listens yet. End it with `close()`.
 * @param logger where Nest and everything else log; `false` for nowhere
 */
export async function createServer(
  config: AppConfig,
  logger: LoggerService | LogLevel[] | false,
): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.forRoot(config), new JsonAdapter(), {
    logger,
    // The caller says what went wrong; Nest would end the process.
    abortOnError: false,
    bodyParser: false,
    forceCloseConnections: true,
  });
  app.use(requestLog());
  if (isLoopbackOnly(config)) serveLoopbackOnly(app);
  app.useWebSocketAdapter(new PatternWsAdapter(app));
  const secrets = app.get(KnownSecrets);
  configureHttp(app, {
    cors: {
      origins: config.allow_cors_origins,
      originPattern:
        config.allow_cors_origin_regex === null ? undefined : new RegExp(config.allow_cors_origin_regex),
      trustedHost: process.env['DOCKER_HOST_ADDR'],
    },
    debug: isDebug(process.env),
    mask: (text) => secrets.mask(text),
  });
  setupOpenApi(app);
  return app;
}
