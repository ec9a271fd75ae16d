import type { Severity } from './log-entry.js';

/** Level and format of the log. */
export interface LogSettings {
  /** The least severe level that is logged. */
  level: Severity;
  /** One JSON object per line, for programs. */
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
 * Reads `LOG_LEVEL` (case-insensitive, default `info`), `DEBUG` (overrides the level with `debug`) and
 * `LOG_JSON` (JSON or text; by default text on a terminal and JSON elsewhere).
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

/** A message for each of these variables with an invalid value. The server starts nevertheless. */
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

/** `DEBUG=1`: everything is logged, and bodies of 5xx contain stacks. */
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
