import { isatty } from 'node:tty';
import { Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { isBoundToLoopback, isLoopbackOnly } from '../auth/index.js';
import type { AppConfig, LoadedConfig } from '../config/index.js';
import { KnownSecrets } from '../crypto/index.js';
import { errorStack } from '../errors/index.js';
import { sweepTemporaryFolders } from '../files/index.js';
import { DeferredInit, type ServerSetup } from '../init/index.js';
import { invalidLogSettings, readLogSettings, ServerLogger } from '../logging/index.js';
import { meters } from '../meters/index.js';
import { SERVER_VERSION } from '../server/index.js';
import { maskTelemetryWith, startTelemetry } from '../telemetry/index.js';
import { DeferredSetup } from './deferred-setup.js';
import { useKeptSecretKey } from './kept-secret-key.js';
import { shutDownOnSignals } from './shutdown.js';
import { requireWritableFolder } from './writable-folder.js';

/** Creates the servers that the command line starts. `app.setup.ts` implements it. */
interface ServerFactory {
  createServer(config: AppConfig, logger: ServerLogger, init?: DeferredInit): Promise<NestExpressApplication>;
  createWaitingServer(
    config: AppConfig,
    logger: ServerLogger,
    deferred: { init: DeferredInit; setup: ServerSetup },
  ): Promise<NestExpressApplication>;
}

/**
 * Starts the server and keeps it running until a signal ends it.
 * @throws errors that `explainStartupError` turns into messages
 */
export async function serve(loaded: LoadedConfig, factory: ServerFactory): Promise<void> {
  const { config } = loaded;
  const logger = new ServerLogger(readLogSettings(process.env, isatty(1)));
  Logger.overrideLogger(logger);
  logCrashes(logger);
  for (const mistake of invalidLogSettings(process.env)) new Logger('Server').warn(mistake);
  for (const warning of loaded.warnings) new Logger('Server').warn(`configuration: ${warning}`);
  await startTelemetry(process.env, {
    'service.version': SERVER_VERSION,
    'openhands.storage': config.database_url === null ? 'files' : 'postgresql',
  });
  const app = config.deferred_init
    ? await createDeferred(config, logger, factory)
    : await createReady(config, logger, factory);
  shutDownOnSignals(app);
  try {
    await app.listen(config.listen.port, config.listen.host);
  } catch (error) {
    // Other servers of its database would wait for the end of its lease.
    await app.close().catch(() => undefined);
    throw error;
  }
  logStart(app, loaded);
  void removeLeftovers();
}

/** Removes temporary folders of servers that were killed. */
async function removeLeftovers(): Promise<void> {
  const removed = await sweepTemporaryFolders();
  if (removed > 0)
    new Logger('Server').log(`removed ${removed} temporary folders of servers that no longer run`);
}

/** Creates the server with its final configuration. */
async function createReady(
  config: AppConfig,
  logger: ServerLogger,
  factory: ServerFactory,
  init?: DeferredInit,
): Promise<NestExpressApplication> {
  await requireWritableFolder('conversations_path', config.paths.conversations);
  await useKeptSecretKey(config);
  const app = await factory.createServer(config, logger, init);
  const secrets = app.get(KnownSecrets);
  logger.maskWith((text) => secrets.mask(text));
  maskTelemetryWith((text) => secrets.mask(text));
  return app;
}

/** Creates a server that waits for `POST /api/init` and then serves with the configuration in its body. */
async function createDeferred(
  config: AppConfig,
  logger: ServerLogger,
  factory: ServerFactory,
): Promise<NestExpressApplication> {
  const init = new DeferredInit();
  const setup = new DeferredSetup(config, async (final) => {
    const ready = await createReady(final, logger, factory, init);
    new Logger('Server').log(`set up by POST /api/init; ${describeAccess(final)}`);
    return ready;
  });
  const waiting = await factory.createWaitingServer(config, logger, { init, setup });
  setup.setWaitingServer(waiting.getHttpServer());
  return waiting;
}

/**
 * Logs crashes, and flushes the log on exit. An unhandled rejection belongs to one conversation or request
 * and does not end the process. An uncaught exception leaves an unknown state, so the process exits; event
 * logs recover at the next start.
 */
function logCrashes(logger: ServerLogger): void {
  process.on('exit', () => logger.flushSync());
  process.on('unhandledRejection', (reason) => {
    meters.unhandledRejections.add();
    logger.error('unhandled rejection', errorStack(reason), 'Server');
  });
  process.on('uncaughtException', (error) => {
    logger.fatal('the server crashed', errorStack(error), 'Server');
    process.exit(1);
  });
}

/** Logs where the server listens, its configuration and who can use it. */
function logStart(app: NestExpressApplication, { config, file, variables }: LoadedConfig): void {
  const logger = new Logger('Server');
  const address = app.getHttpServer().address();
  // With port 0 the system has chosen one.
  const port = typeof address === 'object' && address !== null ? address.port : config.listen.port;
  const host = clickableHost(config.listen.host);
  const sources = [file.exists ? file.name : `${file.name} (not found)`, ...variables];
  logger.log(`configuration: ${sources.join(', ')}`);
  if (!config.deferred_init) logger.log(`conversations: ${config.paths.conversations}`);
  logger.log(describeAccess(config));
  if (config.paths.ui !== null) logger.log(`web UI: http://${host}:${port}/`);
  logger.log(`console: http://${host}:${port}/console/`);
  logger.log(`API documentation: http://${host}:${port}/docs`);
  logger.log(`OpenHands Agent Server ${SERVER_VERSION} listening on http://${host}:${port}`);
}

/** Says who can use the server, so that nobody exposes it unknowingly. */
function describeAccess(config: AppConfig): string {
  const keys = config.session_api_keys.length;
  if (config.deferred_init) return `access: waiting for POST /api/init${initKey(config)}`;
  if (keys > 0) return `access: with a session key (${keys} configured)`;
  if (config.require_keys) return 'access: with a named key (require_keys)';
  if (isLoopbackOnly(config)) {
    return 'access: this machine only, without a key (set SESSION_API_KEY, or expose it with --host 0.0.0.0)';
  }
  if (isBoundToLoopback(config)) return 'access: this machine only (--host), without a key';
  return 'access: EVERYBODY who can reach it, without a key (--host was given, SESSION_API_KEY is not set)';
}

function initKey({ secret_key }: AppConfig): string {
  return secret_key === null ? '' : ' with the secret key in X-Init-API-Key';
}

/** The host of an address that a browser on this machine can open. */
function clickableHost(host: string): string {
  if (/^(0\.0\.0\.0|127\.0\.0\.1|::|::1)$/.test(host)) return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
