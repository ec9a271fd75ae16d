/** What the loader and the C library obey, and ignore for programs that set their user (ld.so(8)). */
const LOADER = /^(?:LD_|MALLOC_|(?:GCONV_PATH|GETCONF_DIR|GLIBC_TUNABLES|LOCPATH|NLSPATH)$)/;
/** What shells obey that run a script: bash executes what some of these contain. */
const SHELL = /^(?:BASH_|(?:BASHOPTS|ENV|PS4|SHELLOPTS)$)/;

/** Variables of a program: those that are harmless to what starts it, and the others. */
interface SplitEnvironment {
  env: Record<string, string>;
  obeyed: Record<string, string>;
}

/**
 * Takes the variables out of an environment that bubblewrap, and shells before it, would obey, still outside
 * of the sandbox: `LD_PRELOAD` would run code there. Environments come from agents and repositories, too.
 */
export function splitEnvironment(env: Readonly<Record<string, string>>): SplitEnvironment {
  const isObeyed = (name: string): boolean => LOADER.test(name) || SHELL.test(name);
  const entries = Object.entries(env);
  return {
    env: Object.fromEntries(entries.filter(([name]) => !isObeyed(name))),
    obeyed: Object.fromEntries(entries.filter(([name]) => isObeyed(name))),
  };
}
