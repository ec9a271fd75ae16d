import type { Severity } from './log-entry.js';

/** What is logged, and how it looks. */
export interface LogSettings {
  /** This and everything more serious. */
  level: Severity;
  /** One JSON object a line, for programs. */
  json: boolean;
  colors: boolean;
}

const LEVELS: ReadonlyMap<string, Severity> = new Map([
  ['critical', 'fatal'],
  ['error', 'error'],
  ['warn', 'warn'],
  ['warning', 'warn'],
  ['info', 'info'],
  ['debug', 'debug'],
]);

/**
 * Reads `LOG_LEVEL` (in any case; `info` unless told), `DEBUG` (level `debug` whatever else is said) and
 * `LOG_JSON`, which forces JSON or lines for people; without it a terminal gets lines for people, everything
 * else JSON.
 */
export function readLogSettings(
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): LogSettings {
  const wanted = env['LOG_JSON']?.trim() ?? '';
  const json = isYes(wanted) || (!isTerminal && !isNo(wanted));
  return {
    level: isDebug(env) ? 'debug' : (LEVELS.get(env['LOG_LEVEL']?.trim().toLowerCase() ?? '') ?? 'info'),
    json,
    colors: isTerminal && !json && !env['NO_COLOR'],
  };
}

/**
 * What is written into these variables and means nothing, a sentence each: the server starts all the same.
 */
export function invalidLogSettings(env: Readonly<Record<string, string | undefined>>): string[] {
  const level = env['LOG_LEVEL']?.trim() ?? '';
  const json = env['LOG_JSON']?.trim() ?? '';
  const mistakes: string[] = [];
  if (level !== '' && !LEVELS.has(level.toLowerCase()))
    mistakes.push(`LOG_LEVEL: expected error, warn, info or debug, got ${shown(level)}; info is used`);
  if (json !== '' && !isYes(json) && !isNo(json))
    mistakes.push(`LOG_JSON: expected 1 or 0, got ${shown(json)}; it is ignored`);
  return mistakes;
}

/** `DEBUG=1`: everything is logged, and bodies of 5xx show stacks. */
export function isDebug(env: Readonly<Record<string, string | undefined>>): boolean {
  return isYes(env['DEBUG'] ?? '');
}

function isYes(text: string): boolean {
  return /^(1|true|yes)$/i.test(text);
}

function isNo(text: string): boolean {
  return /^(0|false|no)$/i.test(text);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
