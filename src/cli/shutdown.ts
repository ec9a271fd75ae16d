import type { Server } from 'node:http';
import { Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { stopTelemetry } from '../telemetry/index.js';

/** Time limit of a shutdown (ms): half a second less than the documented 10 s. */
const DEADLINE_MS = 9_500;

/** Ctrl-C may arrive twice: from the terminal, and again from npm or from `--reload`. */
const SAME_SIGNAL_MS = 500;

/**
 * Shuts down on SIGTERM and SIGINT, and when the parent process that opened the IPC channel is gone, and
 * exits with 0. In this order:
 *
 * 1. no new connections are accepted;
 * 2. Nest's shutdown hooks close sockets with 1012, pause runs (a step gets a few seconds), and close logs
 *   and shells;
 * 3. open HTTP connections are closed, and the last spans of traces are sent.
 *
 * A second signal, or the time limit, exits at once with 1.
 */
export function shutDownOnSignals(app: NestExpressApplication): void {
  const logger = new Logger('Shutdown');
  let startedAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (startedAt !== undefined) {
      if (Date.now() - startedAt > SAME_SIGNAL_MS) process.exit(1);
      return;
    }
    startedAt = Date.now();
    logger.log(`${signal}: closing sockets, pausing runs`);
    setTimeout(() => {
      logger.error('the shutdown took too long: exiting with open connections and runs');
      process.exit(1);
    }, DEADLINE_MS);
    void shutDown(app, logger);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // The parent (`--reload`) is gone: nothing else would stop this process.
  process.on('disconnect', () => onSignal('SIGTERM'));
  // It ended while this process started.
  if (process.send !== undefined && !process.connected) onSignal('SIGTERM');
}

async function shutDown(app: NestExpressApplication, logger: Logger): Promise<never> {
  const server: Server = app.getHttpServer();
  server.close();
  try {
    await app.close();
    await stopTelemetry();
  } catch (error) {
    logger.error(error);
    process.exit(1);
  }
  logger.log('done');
  process.exit(0);
}
