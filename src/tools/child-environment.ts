/**
 * What a child process may inherit from the server's environment. An allow list: whatever is not named here stays with
 * the server, so a key that nobody thought of cannot leak. Things a project needs beyond it (registry tokens, an SSH
 * agent, service URLs) are given on purpose, through a tool's `env` parameter or conversation secrets.
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

/** What was put into the server's environment for its children, on purpose, while it runs. Process-wide, as that is. */
const passedOn = new Set<string>();

/** From now on child processes inherit these variables too, but never the server's own. */
export function passOnToChildren(names: readonly string[]): void {
  for (const name of names) if (!SERVER_NAMES.test(name)) passedOn.add(name);
}

function isAllowed(name: string): boolean {
  return (
    passedOn.has(name) ||
    ALLOWED_NAMES.has(name) ||
    ALLOWED_PREFIXES.some((prefix) => name.startsWith(prefix))
  );
}

/**
 * The environment for a process started on behalf of an agent or a client.
 * It tells programs that an agent is watching (`AI_AGENT`), keeps pagers from waiting for a key, and asks for UTF-8
 * where the server's environment does not say.
 * @param extra variables from the caller; they win over inherited ones. The server's own names are left out.
 * @param inherited where to take the allowed variables from; the server's environment unless a test says otherwise
 */
export function childEnvironment(
  extra: Readonly<Record<string, string>> = {},
  inherited: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(inherited)) {
    if (value !== undefined && isAllowed(name)) environment[name] = value;
  }
  if (!environment.LANG && !environment.LC_ALL && !environment.LC_CTYPE) environment.LANG = 'C.UTF-8';
  Object.assign(environment, { AI_AGENT: 'openhands', PAGER: 'cat', GIT_PAGER: 'cat' });
  for (const [name, value] of Object.entries(extra)) {
    if (!SERVER_NAMES.test(name)) environment[name] = value;
  }
  return environment;
}
