import { isatty } from 'node:tty';
import { ConsoleLogger, type LogLevel } from '@nestjs/common';

/** Parts of the framework that report each module and route at start: of interest only when something is wrong. */
const FRAMEWORK = new Set([
  'NestFactory',
  'NestApplication',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'WebSocketsController',
]);

const LEVELS: LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'];

/** Nest's logger for people, with the framework's start-up messages at level `debug`. */
export class ServerLogger extends ConsoleLogger {
  /** @param level `error`, `warn`, `info` (the default) or `debug` */
  constructor(level: string | undefined) {
    super({ logLevels: levelsUpTo(level), colors: isatty(1), prefix: 'AgentServer' });
  }

  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && FRAMEWORK.has(context)) {
      super.debug(message, ...rest);
      return;
    }
    super.log(message, ...rest);
  }

  /** What the framework cannot do at start it also throws, and the command line explains. */
  override error(message: unknown, ...rest: unknown[]): void {
    if (rest.at(-1) === 'NestApplication') {
      super.debug(message, ...rest);
      return;
    }
    super.error(message, ...rest);
  }
}

function levelsUpTo(name: string | undefined): LogLevel[] {
  const known = { error: 'error', warn: 'warn', warning: 'warn', info: 'log', debug: 'debug' } as const;
  const wanted = Object.entries(known).find(([key]) => key === name?.toLowerCase())?.[1] ?? 'log';
  return LEVELS.slice(0, LEVELS.indexOf(wanted) + 1);
}
