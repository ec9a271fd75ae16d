import type { Server } from 'node:http';
import { Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';

/** All has to be over after this time; half a second less than the 10 s that are promised. */
const DEADLINE_MS = 9_500;

/** One Ctrl-C may arrive twice: from the terminal, and again from npm or the watcher of `--reload`. */
const SAME_SIGNAL_MS = 500;

/**
 * Ends the server in order on SIGTERM and SIGINT, and when its starter is gone, then the process with 0. The
 * order:
 *
 * 1. no new connections;
 * 2. Nest's shutdown hooks: sockets closed with 1012, runs paused (a step gets a few seconds), logs and
 *    shells closed;
 * 3. open HTTP connections cut.
 *
 * A second signal ends the process at once; so does the deadline, with 1.
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
      logger.error('not done in time: leaving what is still open');
      process.exit(1);
    }, DEADLINE_MS);
    void shutDown(app, logger);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // Whoever started this process with a channel (`--reload`) is gone, and nobody would end it any more.
  process.on('disconnect', () => onSignal('SIGTERM'));
}

async function shutDown(app: NestExpressApplication, logger: Logger): Promise<never> {
  const server: Server = app.getHttpServer();
  server.close();
  try {
    await app.close();
  } catch (error) {
    logger.error(error);
    process.exit(1);
  }
  logger.log('done');
  process.exit(0);
}
