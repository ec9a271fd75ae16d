/**
 * What a child process may inherit from the server's environment. An allow list: whatever is not named here
 * stays with the server, so a key that nobody thought of cannot leak. Things a project needs beyond it
 * (registry tokens, an SSH agent, service URLs) are given on purpose: through the configuration
 * (`shell_environment`), a tool's `env` parameter or conversation secrets.
 */
const ALLOWED_NAMES = new Set([
  // Who and where
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
  // The way to the network
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'ALL_PROXY', 'NO_PROXY'],
  ...['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy'],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS'],
  ...['GIT_SSL_CAINFO', 'PIP_CERT'],
  // Toolchains that the machine's image has set up
  ...['VIRTUAL_ENV', 'CONDA_PREFIX', 'CONDA_DEFAULT_ENV', 'CONDA_EXE', 'PYENV_ROOT', 'NVM_DIR', 'NODE_PATH'],
  ...['JAVA_HOME', 'GOPATH', 'GOROOT', 'CARGO_HOME', 'RUSTUP_HOME', 'GEM_HOME', 'SDKMAN_DIR', 'DOTNET_ROOT'],
  ...['LD_LIBRARY_PATH', 'PKG_CONFIG_PATH', 'PYTHONPATH', 'PYTHONUNBUFFERED', 'PLAYWRIGHT_BROWSERS_PATH'],
  ...['DOCKER_HOST', 'DEBIAN_FRONTEND'],
  // A desktop, where there is one
  ...['DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY', 'DBUS_SESSION_BUS_ADDRESS'],
]);

const ALLOWED_PREFIXES = ['LC_', 'XDG_'];

/** The server's own settings and keys: not even `extra` may carry them. */
const SERVER_NAMES = /^(OH_|SESSION_API_KEY)/;

/** Never inherited, whatever the configuration says. What a caller gives may be called `OPENHANDS_...`. */
const NOT_INHERITED = /^(OH_|OPENHANDS_|SESSION_API_KEY)/;

/**
 * What was put into the server's environment for its children, on purpose, while it runs. Process-wide, as
 * that is.
 */
const passedOn = new Set<string>();

/** From now on child processes inherit these variables too, but never the server's own. */
export function passOnToChildren(names: readonly string[]): void {
  for (const name of names) if (!SERVER_NAMES.test(name)) passedOn.add(name);
}

/** What the configuration adds for shells (`shell_environment`). Process-wide, as the environment is. */
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
 * The environment for a shell or another program of an agent or a client: that of `childEnvironment`, and
 * what the configuration adds. Programs that the server runs for itself (git, ripgrep, a browser) get none of
 * the latter: variables such as `GIT_DIR` would change what they do.
 * @param extra variables from the caller; they win over inherited ones. The server's own names are left out.
 */
export function shellEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const added = Object.entries(process.env).filter(
    ([name]) => !NOT_INHERITED.test(name) && addedForShells.some((pattern) => matches(name, pattern)),
  );
  return { ...definedOnly(added), ...childEnvironment(extra) };
}

/**
 * The environment for a process started on behalf of an agent or a client. It tells programs that an agent is
 * watching (`AI_AGENT`), keeps pagers from waiting for a key, and asks for UTF-8 where the server's
 * environment does not say.
 * @param extra variables from the caller; they win over inherited ones. The server's own names are left out.
 * @param inherited where to take the allowed variables from; the server's environment unless a test says
 *   otherwise
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
 * Whether a name is what a pattern says; each part between two `*` is looked for once, from left to right.
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
