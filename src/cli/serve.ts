import { isatty } from 'node:tty';
import { Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createServer, createWaitingServer } from '../app.setup.js';
import { isBoundToLoopback, isLoopbackOnly } from '../auth/index.js';
import type { AppConfig, LoadedConfig } from '../config/index.js';
import { KnownSecrets } from '../crypto/index.js';
import { errorStack } from '../errors/index.js';
import { sweepTemporaryFolders } from '../files/index.js';
import { DeferredInit } from '../init/index.js';
import { invalidLogSettings, readLogSettings, ServerLogger } from '../logging/index.js';
import { meters } from '../meters/index.js';
import { SERVER_VERSION } from '../server/version.js';
import { DeferredSetup } from './deferred-setup.js';
import { shutDownOnSignals } from './shutdown.js';
import { requireWritableFolder } from './writable-folder.js';

/**
 * Starts the server and keeps it running until a signal ends it.
 * @throws what `explainStartupError` explains
 */
export async function serve(loaded: LoadedConfig): Promise<void> {
  const { config } = loaded;
  const logger = new ServerLogger(readLogSettings(process.env, isatty(1)));
  Logger.overrideLogger(logger);
  logToTheEnd(logger);
  for (const mistake of invalidLogSettings(process.env)) new Logger('Server').warn(mistake);
  const app = config.deferred_init ? await createDeferred(config, logger) : await createReady(config, logger);
  shutDownOnSignals(app);
  await app.listen(config.listen.port, config.listen.host);
  announce(app, loaded);
  void removeLeftovers();
}

/** What servers that were killed have left in the folder for temporary files. */
async function removeLeftovers(): Promise<void> {
  const removed = await sweepTemporaryFolders();
  if (removed > 0) new Logger('Server').log(`removed ${removed} temporary folders of servers that are gone`);
}

/** The server with its final configuration. */
async function createReady(
  config: AppConfig,
  logger: ServerLogger,
  init?: DeferredInit,
): Promise<NestExpressApplication> {
  await requireWritableFolder('conversations_path', config.paths.conversations);
  const app = await createServer(config, logger, init);
  const secrets = app.get(KnownSecrets);
  logger.maskWith((text) => secrets.mask(text));
  return app;
}

/** A server that waits for `POST /api/init`, and becomes the one that is set up there. */
async function createDeferred(config: AppConfig, logger: ServerLogger): Promise<NestExpressApplication> {
  const init = new DeferredInit();
  const setup = new DeferredSetup(config, async (final) => {
    const ready = await createReady(final, logger, init);
    new Logger('Server').log(`set up by POST /api/init; ${describeAccess(final)}`);
    return ready;
  });
  const waiting = await createWaitingServer(config, logger, { init, setup });
  setup.answerAt(waiting.getHttpServer());
  return waiting;
}

/**
 * Nothing that was said is lost when the process exits, and a crash is said too. A failure that nobody waited
 * for is no crash: it belongs to one conversation or one request, and must not end what all the others do.
 * What is thrown out of a callback leaves behind nobody knows what, so that the process ends; logs recover
 * from that.
 */
function logToTheEnd(logger: ServerLogger): void {
  process.on('exit', () => logger.flushSync());
  process.on('unhandledRejection', (reason) => {
    meters.unhandledRejections.add();
    logger.error('a failure that nobody waited for', errorStack(reason), 'Server');
  });
  process.on('uncaughtException', (error) => {
    logger.fatal('the server crashed', errorStack(error), 'Server');
    process.exit(1);
  });
}

function announce(app: NestExpressApplication, { config, file, variables }: LoadedConfig): void {
  const logger = new Logger('Server');
  const address = app.getHttpServer().address();
  // With port 0 the system chose one.
  const port = typeof address === 'object' && address !== null ? address.port : config.listen.port;
  const host = urlHost(config.listen.host);
  const local = /^(0\.0\.0\.0|\[::\])$/.test(host) ? 'localhost' : host;
  const sources = [file.exists ? file.name : `${file.name} (not there)`, ...variables];
  logger.log(`API documentation: http://${local}:${port}/docs`);
  logger.log(`configuration: ${sources.join(', ')}`);
  if (!config.deferred_init) logger.log(`conversations: ${config.paths.conversations}`);
  logger.log(describeAccess(config));
  logger.log(`OpenHands Agent Server ${SERVER_VERSION} listening on http://${host}:${port}`);
}

/** Who is served, so that nobody opens a server without knowing. */
function describeAccess(config: AppConfig): string {
  const keys = config.session_api_keys.length;
  if (config.deferred_init) return `access: waiting for POST /api/init${initKey(config)}`;
  if (keys > 0) return `access: with a session key (${keys} configured)`;
  if (isLoopbackOnly(config)) {
    return 'access: this machine only, without a key (set SESSION_API_KEY, or open it with --host 0.0.0.0)';
  }
  if (isBoundToLoopback(config)) return 'access: this machine only (--host), without a key';
  return 'access: EVERYBODY who can reach it, without a key (--host was given and no SESSION_API_KEY is set)';
}

function initKey({ secret_key }: AppConfig): string {
  return secret_key === null ? '' : ' with the secret key in X-Init-API-Key';
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
