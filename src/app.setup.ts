import type { Server } from 'node:http';
import type { DynamicModule, LoggerService, LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { RequestHandler } from 'express';
import { AppModule } from './app.module.js';
import { guardIngress, isSameHost, mayBeGivenKey, OriginPolicy, protectOpenServer } from './auth/index.js';
import type { AppConfig } from './config/index.js';
import { KnownSecrets } from './crypto/index.js';
import { AppBackendBridge } from './extensions/canvas/bridge/index.js';
import { configureHttp, type HttpOptions } from './http/configure-http.js';
import { JsonAdapter } from './http/json-adapter.js';
import { refuseUntilReady, type DeferredInit, type ServerSetup } from './init/index.js';
import { isDebug, requestLog } from './logging/index.js';
import { setupOpenApi } from './openapi/index.js';
import { PatternWsAdapter } from './sockets/handshake/pattern-ws-adapter.js';
import { addToShellEnvironment } from './processes/index.js';
import { WebUi } from './ui/index.js';
import { WaitingModule } from './waiting.module.js';

/** Where Nest and everything else log; `false` for nowhere. */
export type ServerLog = LoggerService | LogLevel[] | false;

/**
 * Creates the server that `main` and the tests start: everything is wired, nothing listens yet. End it with
 * `close()`.
 * @param init how the server came to its configuration, when that was after its start
 */
export async function createServer(
  config: AppConfig,
  logger: ServerLog,
  init?: DeferredInit,
): Promise<NestExpressApplication> {
  addToShellEnvironment(config.shell_environment);
  const ui = await WebUi.configured(config, mayBeGivenKey(config));
  const app = await createApp(AppModule.forRoot(config, init), logger);
  const { origins, first } = protect(app, config);
  app.useWebSocketAdapter(new PatternWsAdapter(app));
  const secrets = app.get(KnownSecrets);
  configureHttp(app, {
    ...edgeOptions(origins),
    first: ui === undefined ? first : [...first, ui.beforeRoutes],
    mask: (text) => secrets.mask(text),
    unknownPath: ui?.unknownPath,
    beforeBodies: app.get(AppBackendBridge).beforeBodies,
  });
  setupOpenApi(app);
  return app;
}

/** A server that waits to be set up: it says so to everybody, and to requests of the API with 503. */
export async function createWaitingServer(
  config: AppConfig,
  logger: ServerLog,
  { init, setup }: { init: DeferredInit; setup: ServerSetup },
): Promise<NestExpressApplication> {
  const app = await createApp(WaitingModule.forRoot(config, init, setup), logger);
  const { origins, first } = protect(app, config);
  configureHttp(app, { ...edgeOptions(origins), first });
  refuseUntilReady(app, init);
  setupOpenApi(app);
  return app;
}

function createApp(module: DynamicModule, logger: ServerLog): Promise<NestExpressApplication> {
  return NestFactory.create<NestExpressApplication>(module, new JsonAdapter(), {
    logger,
    // The caller says what went wrong; Nest would end the process.
    abortOnError: false,
    bodyParser: false,
    forceCloseConnections: true,
  });
}

/**
 * What comes before everything else: the log of requests, what is not for the host, and who is let in without
 * a key.
 */
function protect(
  app: NestExpressApplication,
  config: AppConfig,
): { origins: OriginPolicy; first: RequestHandler[] } {
  const origins = new OriginPolicy(config);
  const server: Server = app.getHttpServer();
  const guards = [guardIngress(server, config), protectOpenServer(server, config, origins)];
  return { origins, first: [requestLog(), ...guards.filter((guard) => guard !== undefined)] };
}

function edgeOptions(origins: OriginPolicy): HttpOptions {
  return {
    cors: {
      allows: (origin, path) => origins.allows(origin, path),
      onRefused: (origin, { headers }) => {
        if (!isSameHost(origin, headers.host)) origins.reportRefused(origin);
      },
    },
    debug: isDebug(process.env),
  };
}
