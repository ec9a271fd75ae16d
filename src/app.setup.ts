import type { Server } from 'node:http';
import type { DynamicModule, LoggerService, LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { RequestHandler } from 'express';
import { AppModule } from './app.module.js';
import {
  guardIngress,
  isSameHost,
  mayReceiveKey,
  OriginPolicy,
  protectOpenServer,
  remoteAddress,
} from './auth/index.js';
import { TerminalServers } from './cluster/index.js';
import { type AppConfig, usesContainers } from './config/index.js';
import { Ownership } from './conversations/index.js';
import { ContainerSockets } from './containers/index.js';
import { ConsolePage } from './console/index.js';
import { KnownSecrets } from './crypto/index.js';
import { AppBackendBridge } from './extensions/index.js';
import { HopReceiver, ServerForwarder } from './forwarding/index.js';
import { configureHttp, type HttpOptions, JsonAdapter, traceRequests } from './http/index.js';
import { refuseUntilReady, type DeferredInit, type ServerSetup } from './init/index.js';
import { isDebug, requestLog } from './logging/index.js';
import { setupOpenApi } from './openapi/index.js';
import { addToShellEnvironment } from './processes/index.js';
import { PACKAGE_FOLDER, SERVER_VERSION } from './server/index.js';
import { PatternWsAdapter, type SocketForwarder } from './sockets/index.js';
import { StorageDriver } from './storage/storage-driver.module.js';
import { Guides, WebUi } from './ui/index.js';
import { WaitingModule } from './waiting.module.js';

/** The logger of the server; `false` disables logging. */
type ServerLog = LoggerService | LogLevel[] | false;

/**
 * Creates the server that the command line and the tests start. It does not listen yet. Close it with
 * `close()`.
 * @param init set if the server was configured after its start
 */
export async function createServer(
  config: AppConfig,
  logger: ServerLog,
  init?: DeferredInit,
): Promise<NestExpressApplication> {
  addToShellEnvironment(config.shell_environment);
  const ui = await WebUi.configured(config, mayReceiveKey(config));
  const app = await createApp(AppModule.forRoot(config, init), logger).catch(async (error: unknown) => {
    await StorageDriver.closeOf(config);
    throw error;
  });
  const { origins, first } = protect(app, config);
  app.useWebSocketAdapter(
    new PatternWsAdapter(app, socketForwarder(app, config), (id, principal) =>
      app.get(Ownership).isVisible(id, principal),
    ),
  );
  const secrets = app.get(KnownSecrets);
  configureHttp(app, {
    ...edgeOptions(origins),
    first: [...forwardedFirst(app, config), ...first, ...pages(ui)],
    mask: (text) => secrets.mask(text),
    unknownPath: ui?.unknownPath,
    beforeBodies: app.get(AppBackendBridge).beforeBodies,
  });
  setupOpenApi(app, SERVER_VERSION);
  return app;
}

/** Creates a server that waits for `POST /api/init` and answers other API requests with 503. */
export async function createWaitingServer(
  config: AppConfig,
  logger: ServerLog,
  { init, setup }: { init: DeferredInit; setup: ServerSetup },
): Promise<NestExpressApplication> {
  const app = await createApp(WaitingModule.forRoot(config, init, setup), logger);
  const { origins, first } = protect(app, config);
  configureHttp(app, { ...edgeOptions(origins), first: [...first, ...pages()] });
  refuseUntilReady(app, init);
  setupOpenApi(app, SERVER_VERSION);
  return app;
}

function createApp(module: DynamicModule, logger: ServerLog): Promise<NestExpressApplication> {
  return NestFactory.create<NestExpressApplication>(module, new JsonAdapter(), {
    logger,
    // The caller reports errors; Nest would exit the process.
    abortOnError: false,
    bodyParser: false,
    forceCloseConnections: true,
  });
}

/**
 * Installs the guards on the HTTP server and returns the handlers that run first: the request log and the
 * guards.
 */
function protect(
  app: NestExpressApplication,
  config: AppConfig,
): { origins: OriginPolicy; first: RequestHandler[] } {
  const origins = new OriginPolicy(config);
  const server: Server = app.getHttpServer();
  const guards = [guardIngress(server, config), protectOpenServer(server, config, origins)];
  return {
    origins,
    first: [...traceRequests(), requestLog(remoteAddress), ...guards.filter((guard) => guard !== undefined)],
  };
}

/** Whoever passes sockets on: to other servers, or to containers. Both do not go together. */
function socketForwarder(app: NestExpressApplication, config: AppConfig): SocketForwarder | undefined {
  if (config.database_url !== null) {
    const [forwarder, terminals] = [app.get(ServerForwarder), app.get(TerminalServers)];
    return {
      forwardSocket: (id, client, takes) => forwarder.forwardSocket(id, client, takes),
      forwardTerminal: (id, client) => terminals.forwardSocket(id, client),
    };
  }
  return usesContainers(config) ? app.get(ContainerSockets) : undefined;
}

/** Handlers that recognise what another server of the cluster has passed on, before all others. */
function forwardedFirst(app: NestExpressApplication, { database_url }: AppConfig): RequestHandler[] {
  if (database_url === null) return [];
  const receiver = app.get(HopReceiver);
  receiver.guardUpgrades(app.getHttpServer());
  return [receiver.middleware];
}

/** Handlers of the pages: the guides, the console, and at `/` the web UI or a redirect to the console. */
function pages(ui?: WebUi): RequestHandler[] {
  const page = new ConsolePage(PACKAGE_FOLDER, ui === undefined);
  const handlers = [new Guides(PACKAGE_FOLDER).beforeRoutes, page.beforeRoutes];
  return ui === undefined ? handlers : [...handlers, ui.beforeRoutes];
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
