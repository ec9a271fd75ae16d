import type { Expected } from './settled-mounts.js';

/** Absolute paths of programs that run in a sandbox before the program itself. */
export interface CheckTools {
  stat: string;
  env: string;
}

/** The exit status of a program that was not started, as of shells for one that cannot be executed. */
const NOT_STARTED = 126;
const MESSAGE =
  'sandbox: a folder was moved or replaced while this program was started, so it was not. Try again.';

/**
 * A program that becomes another one if the sandbox shows what it should: mounts cannot be changed from there
 * on. `PATH` is not used, and what the shell would obey is set later, because both may come from an agent.
 * @param late variables for the program only
 */
export function checkedProgram(
  program: readonly string[],
  expected: readonly Expected[],
  late: Readonly<Record<string, string>>,
  tools: CheckTools,
): string[] {
  const script = [
    `case "$(${[tools.stat, '-c', '%d:%i', ...expected.map(({ at }) => at)].map(quoted).join(' ')} 2>&1)" in`,
    `${quoted(expected.map(({ identity }) => identity).join('\n'))}) exec "$@" ;; esac`,
    `echo ${quoted(MESSAGE)} >&2; exit ${NOT_STARTED}`,
  ];
  const variables = Object.entries(late).map(([name, value]) => `${name}=${value}`);
  const setter = variables.length === 0 ? [] : [tools.env, ...variables];
  return ['/bin/sh', '-c', script.join('\n'), 'sh', ...setter, ...program];
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
