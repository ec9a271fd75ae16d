import type { AppConfig } from './app-config.js';
import { describeValue, type ConfigProblem } from './config-error.js';

/** A name of an environment variable (POSIX), with `*` for any characters. */
const NAME = /^[A-Za-z_*][A-Za-z0-9_*]*$/;

/** Prefixes of the server's own settings and keys. */
const SERVER_PREFIXES = ['OH_', 'OPENHANDS_', 'SESSION_API_KEY'];

const EXPECTED = 'a name of an environment variable, with * for any characters, as in "CI" or "AWS_*"';
const EXPECTED_FOREIGN = `a variable that is not the server's own (${SERVER_PREFIXES.map((prefix) => `${prefix}*`).join(', ')})`;

/**
 * Reports invalid names and those of the server's own variables, which would silently not be passed on.
 */
export function validateShellEnvironment(
  config: AppConfig,
  sourceOf: (path: string) => string,
): ConfigProblem[] {
  const names: unknown = config.shell_environment;
  // Other types are already reported.
  if (!Array.isArray(names)) return [];
  return names.flatMap((name: unknown, index) => {
    if (typeof name !== 'string') return [];
    const isName = NAME.test(name);
    if (isName && !SERVER_PREFIXES.some((prefix) => name.startsWith(prefix))) return [];
    const path = `shell_environment[${index}]`;
    const expected = isName ? EXPECTED_FOREIGN : EXPECTED;
    return [{ path, expected, found: describeValue(name, false), source: sourceOf(path) }];
  });
}
