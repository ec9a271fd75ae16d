import type { LoggerService, LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule } from './app.module.js';
import { isSameHost, OriginPolicy, protectOpenServer } from './auth/index.js';
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
  const origins = new OriginPolicy(config);
  protectOpenServer(app, config, origins);
  app.useWebSocketAdapter(new PatternWsAdapter(app));
  const secrets = app.get(KnownSecrets);
  configureHttp(app, {
    cors: {
      allows: (origin, path) => origins.allows(origin, path),
      onRefused: (origin, { headers }) => {
        if (!isSameHost(origin, headers.host)) origins.reportRefused(origin);
      },
    },
    debug: isDebug(process.env),
    mask: (text) => secrets.mask(text),
  });
  setupOpenApi(app);
  return app;
}
