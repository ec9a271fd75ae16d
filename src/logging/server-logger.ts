import { inspect } from 'node:util';
import type { LoggerService } from '@nestjs/common';
import { isSecretName, redact } from '../crypto/index.js';
import { errorMessage, errorStack } from '../errors/index.js';
import { isJsonObject } from '../json/index.js';
import { jsonLine, textLine, type LogEntry, type Severity } from './log-entry.js';
import type { LogSettings } from './log-settings.js';
import { LogOutput } from './log-output.js';
import { isProblem, recentProblems } from './recent-problems.js';
import { currentRequest } from './request-context.js';

/** Contexts of Nest that log every module and route at start. They are logged at debug level. */
const FRAMEWORK = new Set([
  'NestFactory',
  'NestApplication',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'WebSocketsController',
]);
/** Contexts of Nest that log errors which it then throws. */
const START_ERRORS = new Set(['NestApplication', 'ExceptionHandler']);
const SEVERITIES: readonly Severity[] = ['fatal', 'error', 'warn', 'info', 'debug'];
/** How messages and paths name a conversation. */
const CONVERSATION = /conversations?[ /]([\da-f]{8}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{12})\b/i;

/**
 * The log on stdout, used through Nest's `Logger`: text on a terminal, JSON elsewhere. A message may be an
 * object with a `message` and further fields, which only the JSON format contains. The stack of an error is
 * the second argument of `error`. Lines contain the ids of their request and of the conversation that they
 * name (`conversation <id>`).
 */
export class ServerLogger implements LoggerService {
  private readonly output: LogOutput;
  private readonly enabled: ReadonlySet<Severity>;
  private mask: (text: string) => string = (text) => text;

  constructor(
    private readonly settings: LogSettings,
    fd = 1,
  ) {
    this.enabled = new Set(SEVERITIES.slice(0, SEVERITIES.indexOf(settings.level) + 1));
    this.output = new LogOutput(fd, (count) => this.format(droppedLines(count)));
  }

  /** Sets the function that masks secrets in all further lines. */
  maskWith(mask: (text: string) => string): void {
    this.mask = mask;
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.add(FRAMEWORK.has(contextOf(rest)) ? 'debug' : 'info', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.add('warn', message, rest);
  }

  /** Nest logs errors of the start and throws them; the command line reports them. */
  error(message: unknown, ...rest: unknown[]): void {
    this.add(START_ERRORS.has(contextOf(rest)) ? 'debug' : 'error', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.add('fatal', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.add('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.add('debug', message, rest);
  }

  /** Resolves when all lines are written. */
  drained(): Promise<void> {
    return this.output.drained();
  }

  /** Writes all pending lines synchronously, for the end of the process. */
  flushSync(): void {
    this.output.flushSync();
  }

  private add(level: Severity, message: unknown, rest: readonly unknown[]): void {
    const isLogged = this.enabled.has(level);
    if (!isLogged && !isProblem(level)) return;
    const parsed = parseMessage(message, rest);
    const fields = parsed.fields && this.withoutSecrets(parsed.fields);
    const text = this.mask(parsed.message);
    const { request_id = currentRequest()?.id, ...others } = fields ?? {};
    const entry: LogEntry = {
      time: new Date().toISOString(),
      level,
      context: contextOf(rest),
      message: text,
      ...(typeof request_id === 'string' && { request_id }),
      conversation_id: CONVERSATION.exec(text)?.[1],
      fields: others,
      stack: parsed.stack === undefined ? undefined : this.mask(parsed.stack),
    };
    recentProblems.add(entry);
    if (isLogged) this.output.write(this.format(entry), level === 'error' || level === 'fatal');
  }

  private format(entry: LogEntry): string {
    return this.settings.json ? jsonLine(entry) : textLine(entry, this.settings.colors);
  }

  private withoutSecrets(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const masked: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(fields)) {
      if (isSecretName(name)) masked[name] = '<redacted>';
      else if (typeof value === 'string') masked[name] = this.mask(value);
      else if (typeof value === 'object' && value !== null) masked[name] = this.mask(asText(value));
      else masked[name] = value;
    }
    return masked;
  }
}

interface ParsedMessage {
  message: string;
  fields?: Readonly<Record<string, unknown>>;
  stack?: string;
}

/** Nest passes the stack of an error, if any, before the context. */
function parseMessage(message: unknown, rest: readonly unknown[]): ParsedMessage {
  const extras = contextOf(rest) === '' ? rest : rest.slice(0, -1);
  const stack = extras.find(isStack);
  const more = extras.filter((extra) => extra !== undefined && extra !== stack).map(asText);
  const parsed = typeof message === 'string' ? { message } : parseObject(message);
  return {
    ...parsed,
    ...(more.length > 0 && { message: [parsed.message, ...more].join(' ') }),
    ...(stack !== undefined && { stack }),
  };
}

function parseObject(value: unknown): ParsedMessage {
  if (value instanceof Error) return { message: errorMessage(value), stack: errorStack(value) };
  if (!isJsonObject(value)) return { message: asText(value) };
  const { message, ...fields } = value;
  return typeof message === 'string' ? { message, fields } : { message: asText(value) };
}

/** The last argument, unless it is a stack. */
function contextOf(rest: readonly unknown[]): string {
  const last = rest.at(-1);
  return typeof last === 'string' && !isStack(last) ? last : '';
}

function isStack(value: unknown): value is string {
  return typeof value === 'string' && value.includes('\n');
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : inspect(redact(value), { breakLength: Infinity });
}

function droppedLines(count: number): LogEntry {
  const message = `dropped ${count} lines: the reader of the log is too slow`;
  return { time: new Date().toISOString(), level: 'warn', context: 'Log', message };
}
