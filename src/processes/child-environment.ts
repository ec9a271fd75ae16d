/**
 * Variables that child processes inherit from the server. An allow list, so that keys that nobody thought of
 * cannot leak. What a project needs beyond it (registry tokens, an SSH agent, service URLs) is passed
 * explicitly: by the configuration (`shell_environment`), a tool's `env` parameter or conversation secrets.
 */
const ALLOWED_NAMES = new Set([
  // User and locale
  ...[
    'PATH',
    'HOME',
    'USER',
    'LOGNAME',
    'SHELL',
    'HOSTNAME',
    'TMPDIR',
    'TMP',
    'TEMP',
    'TZ',
    'LANG',
    'LANGUAGE',
  ],
  // Network
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'ALL_PROXY', 'NO_PROXY'],
  ...['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy'],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS'],
  ...['GIT_SSL_CAINFO', 'PIP_CERT'],
  // Toolchains of the machine's image
  ...['VIRTUAL_ENV', 'CONDA_PREFIX', 'CONDA_DEFAULT_ENV', 'CONDA_EXE', 'PYENV_ROOT', 'NVM_DIR', 'NODE_PATH'],
  ...['JAVA_HOME', 'GOPATH', 'GOROOT', 'CARGO_HOME', 'RUSTUP_HOME', 'GEM_HOME', 'SDKMAN_DIR', 'DOTNET_ROOT'],
  ...['LD_LIBRARY_PATH', 'PKG_CONFIG_PATH', 'PYTHONPATH', 'PYTHONUNBUFFERED', 'PLAYWRIGHT_BROWSERS_PATH'],
  ...['DOCKER_HOST', 'DEBIAN_FRONTEND'],
  // Desktop
  ...['DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY', 'DBUS_SESSION_BUS_ADDRESS'],
]);

const ALLOWED_PREFIXES = ['LC_', 'XDG_'];

/** The server's own settings and keys. They are removed from `extra`, too. */
const SERVER_NAMES = /^(OH_|SESSION_API_KEY)/;

/** Never inherited, regardless of the configuration. Callers may set `OPENHANDS_...` themselves. */
const NOT_INHERITED = /^(OH_|OPENHANDS_|SESSION_API_KEY)/;

/**
 * Variables that were added to the server's environment for its children at run time. Process-wide, like the
 * environment.
 */
const passedOn = new Set<string>();

/** From now on child processes inherit these variables too, but never the server's own. */
export function passOnToChildren(names: readonly string[]): void {
  for (const name of names) if (!SERVER_NAMES.test(name)) passedOn.add(name);
}

/** Patterns of `shell_environment` in the configuration. Process-wide, like the environment. */
let addedForShells: readonly string[] = [];

/**
 * From now on `shellEnvironment` passes on these variables of the server too, but never the server's own.
 * @param names names of variables, with `*` for any characters; they replace those of an earlier call
 */
export function addToShellEnvironment(names: readonly string[]): void {
  addedForShells = [...names];
}

function isAllowed(name: string): boolean {
  return (
    passedOn.has(name) ||
    ALLOWED_NAMES.has(name) ||
    ALLOWED_PREFIXES.some((prefix) => name.startsWith(prefix))
  );
}

/**
 * The environment for a shell or another program of an agent or a client: that of `childEnvironment` and what
 * the configuration adds. Programs that the server runs for itself (git, ripgrep, a browser) do not get the
 * latter: variables such as `GIT_DIR` would change what they do.
 * @param extra variables from the caller; they win over inherited ones. The server's own names are left out.
 */
export function shellEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { ...variablesLike(addedForShells), ...childEnvironment(extra) };
}

/**
 * The variables of the server whose names match patterns such as `CI` or `AWS_*`, but never the server's own.
 * @param patterns names of variables, with `*` for any characters
 */
export function variablesLike(patterns: readonly string[]): Record<string, string> {
  const found = Object.entries(process.env).filter(
    ([name]) => !NOT_INHERITED.test(name) && patterns.some((pattern) => matches(name, pattern)),
  );
  return definedOnly(found);
}

/**
 * The environment for a process that runs on behalf of an agent or a client. It tells programs that an agent
 * runs them (`AI_AGENT`), disables pagers, and selects UTF-8 unless the server's environment sets a locale.
 * @param extra variables from the caller; they win over inherited ones. The server's own names are left out.
 * @param inherited source of the allowed variables; tests replace the server's environment
 */
export function childEnvironment(
  extra: Readonly<Record<string, string>> = {},
  inherited: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const environment = definedOnly(Object.entries(inherited).filter(([name]) => isAllowed(name)));
  if (!environment.LANG && !environment.LC_ALL && !environment.LC_CTYPE) environment.LANG = 'C.UTF-8';
  Object.assign(environment, { AI_AGENT: 'openhands', PAGER: 'cat', GIT_PAGER: 'cat' });
  return { ...environment, ...withoutServerNames(extra) };
}

function definedOnly(variables: readonly [string, string | undefined][]): Record<string, string> {
  return Object.fromEntries(
    variables.flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]])),
  );
}

function withoutServerNames(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !SERVER_NAMES.test(name)));
}

/**
 * Whether a name matches a pattern with `*`; each part is searched once, from left to right.
 */
function matches(name: string, pattern: string): boolean {
  const [first = '', ...others] = pattern.split('*');
  const last = others.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of others) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - at >= last.length && name.endsWith(last);
}
