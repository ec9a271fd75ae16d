import { inspect } from 'node:util';
import type { LoggerService } from '@nestjs/common';
import { isSecretName, redact } from '../crypto/redact.js';
import { errorMessage, errorStack } from '../errors/index.js';
import { isJsonObject } from '../json/index.js';
import { jsonLine, textLine, type LogEntry, type Severity } from './log-entry.js';
import type { LogSettings } from './log-settings.js';
import { LogOutput } from './log-output.js';
import { currentRequest } from './request-context.js';

/**
 * Parts of the framework that report each module and route at start: of interest only when something is
 * wrong.
 */
const FRAMEWORK = new Set([
  'NestFactory',
  'NestApplication',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'WebSocketsController',
]);
const SEVERITIES: readonly Severity[] = ['fatal', 'error', 'warn', 'info', 'debug'];
/** Lines and paths name their conversation like this. */
const CONVERSATION = /conversations?[ /]([\da-f]{8}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{12})\b/i;

/**
 * The log on stdout, for Nest and everything else: whoever has something to say uses Nest's `Logger`. Lines
 * for people on a terminal, JSON elsewhere. A message may be an object with a `message` and further fields,
 * which only JSON shows. A stack is the second argument of `error`. Lines carry the id of the request that
 * they belong to and of the conversation that they name (`conversation <id>`).
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

  /** From now on texts are freed of secrets by this before they are written. */
  maskWith(mask: (text: string) => string): void {
    this.mask = mask;
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.add(FRAMEWORK.has(contextOf(rest)) ? 'debug' : 'info', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.add('warn', message, rest);
  }

  /** What the framework cannot do at start it also throws, and the command line explains. */
  error(message: unknown, ...rest: unknown[]): void {
    this.add(contextOf(rest) === 'NestApplication' ? 'debug' : 'error', message, rest);
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

  /** Resolves when everything that was said is written. */
  drained(): Promise<void> {
    return this.output.drained();
  }

  /** Writes at once what is not written yet: for the end of the process. */
  writeRest(): void {
    this.output.writeRest();
  }

  private add(level: Severity, message: unknown, rest: readonly unknown[]): void {
    if (!this.enabled.has(level)) return;
    const said = readMessage(message, rest);
    const fields = said.fields && this.withoutSecrets(said.fields);
    const text = this.mask(said.message);
    const { request_id = currentRequest()?.id, ...others } = fields ?? {};
    const entry: LogEntry = {
      time: new Date().toISOString(),
      level,
      context: contextOf(rest),
      message: text,
      ...(typeof request_id === 'string' && { request_id }),
      conversation_id: CONVERSATION.exec(text)?.[1],
      fields: others,
      stack: said.stack === undefined ? undefined : this.mask(said.stack),
    };
    this.output.write(this.format(entry), level === 'error' || level === 'fatal');
  }

  private format(entry: LogEntry): string {
    return this.settings.json ? jsonLine(entry) : textLine(entry, this.settings.colors);
  }

  private withoutSecrets(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const shown: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(fields)) {
      if (isSecretName(name)) shown[name] = '<redacted>';
      else if (typeof value === 'string') shown[name] = this.mask(value);
      else if (isJsonObject(value)) shown[name] = this.mask(asText(value));
      else shown[name] = value;
    }
    return shown;
  }
}

interface Said {
  message: string;
  fields?: Readonly<Record<string, unknown>>;
  stack?: string;
}

/** Nest hands the stack of an error, if any, before the context. */
function readMessage(message: unknown, rest: readonly unknown[]): Said {
  const extras = contextOf(rest) === '' ? rest : rest.slice(0, -1);
  const stack = extras.find(isStack);
  const more = extras.filter((extra) => extra !== undefined && extra !== stack).map(asText);
  const said = typeof message === 'string' ? { message } : readObject(message);
  return {
    ...said,
    ...(more.length > 0 && { message: [said.message, ...more].join(' ') }),
    ...(stack !== undefined && { stack }),
  };
}

function readObject(thing: unknown): Said {
  if (thing instanceof Error) return { message: errorMessage(thing), stack: errorStack(thing) };
  if (!isJsonObject(thing)) return { message: asText(thing) };
  const { message, ...fields } = thing;
  return typeof message === 'string' ? { message, fields } : { message: asText(thing) };
}

/** The last argument, if it is no stack. */
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
  const message = `${count} lines were left out: whoever reads the log does not keep up`;
  return { time: new Date().toISOString(), level: 'warn', context: 'Log', message };
}
