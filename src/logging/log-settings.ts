import type { Severity } from './log-entry.js';

/** What is logged, and how it looks. */
export interface LogSettings {
  /** This and everything more serious. */
  level: Severity;
  /** One JSON object a line, for programs. */
  json: boolean;
  colors: boolean;
}

const LEVELS: Readonly<Record<string, Severity>> = {
  critical: 'fatal',
  error: 'error',
  warn: 'warn',
  warning: 'warn',
  info: 'info',
  debug: 'debug',
};

/**
 * Reads `LOG_LEVEL` (in any case; `info` unless told), `DEBUG` (level `debug` whatever else is said) and `LOG_JSON`, which
 * forces JSON or lines for people; without it a terminal gets lines for people, everything else JSON.
 */
export function readLogSettings(
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): LogSettings {
  const wanted = env['LOG_JSON']?.trim() ?? '';
  const json = isYes(wanted) || (!isTerminal && !/^(0|false|no)$/i.test(wanted));
  return {
    level: isDebug(env) ? 'debug' : (LEVELS[env['LOG_LEVEL']?.trim().toLowerCase() ?? ''] ?? 'info'),
    json,
    colors: isTerminal && !json && !env['NO_COLOR'],
  };
}

/** `DEBUG=1`: everything is logged, and bodies of 5xx show stacks. */
export function isDebug(env: Readonly<Record<string, string | undefined>>): boolean {
  return isYes(env['DEBUG'] ?? '');
}

function isYes(text: string): boolean {
  return /^(1|true|yes)$/i.test(text);
}
