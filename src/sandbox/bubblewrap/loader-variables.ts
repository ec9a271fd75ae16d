/** What the loader and the C library obey, and ignore for programs that set their user (ld.so(8)). */
const OBEYED = /^(?:LD_|MALLOC_|(?:GCONV_PATH|GETCONF_DIR|GLIBC_TUNABLES|LOCPATH|NLSPATH)$)/;

/**
 * Takes the variables out of an environment that bubblewrap itself would obey, still outside of the sandbox:
 * `LD_PRELOAD` would run code there. Environments come from agents and repositories, too.
 * @returns the rest, and arguments of bubblewrap that set them for the program
 */
export function withoutLoaderVariables(env: Readonly<Record<string, string>>): {
  env: Record<string, string>;
  options: string[];
} {
  const entries = Object.entries(env);
  return {
    env: Object.fromEntries(entries.filter(([name]) => !OBEYED.test(name))),
    options: entries
      .filter(([name]) => OBEYED.test(name))
      .flatMap(([name, value]) => ['--setenv', name, value]),
  };
}
