import path from 'node:path';
import type { ProgramStart } from '../sandbox.js';
import type { HostList } from './host-list.js';

/** Where the forwarder listens, in a network namespace where nothing else is yet. */
const PORT = 3128;
const PROXY = `http://127.0.0.1:${PORT}`;
/** What programs of a sandbox reach without the proxy: their own servers. */
const OWN_HOSTS = ['localhost', '127.0.0.1', '::1'];

/**
 * The forwarder, for `node -e SOURCE SOCKET PORT`. It closes its output once it listens, and ends when it is
 * the last process but for the first one of its namespace. Signals for the group of the program do not end
 * it.
 */
const SOURCE = `
const fs = require('node:fs'), net = require('node:net');
const [socket, port] = process.argv.slice(1);
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGTSTP']) process.on(name, () => {});
net.createServer({ allowHalfOpen: true }, (inner) => {
  const outer = net.connect({ path: socket, allowHalfOpen: true });
  for (const [one, other] of [[inner, outer], [outer, inner]]) {
    one.on('error', () => one.destroy());
    one.on('close', () => other.destroy());
    one.pipe(other);
  }
}).listen(Number(port), '127.0.0.1', () => {
  fs.closeSync(1);
  // No connection gets this number, which Node does not expect to close.
  fs.openSync('/dev/null', 'w');
});
setInterval(() => {
  if (fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).length <= 2) process.exit();
}, 2000);
`;

/**
 * Starts the forwarder in the background, waits until its output ends, and becomes the program. So the
 * program has the process, the group and the terminal that it would have without all this.
 */
const SCRIPT =
  'node=$1; source=$2; socket=$3; shift 3; ' +
  `: "$(NODE_OPTIONS= "$node" --max-semi-space-size=1 -e "$source" "$socket" ${PORT} </dev/null 2>/dev/null &)"; ` +
  'exec "$@"';

/**
 * A program in a sandbox without a network, together with a forwarder that listens there and passes on to the
 * socket of a proxy outside, and the variables that make programs use it.
 */
export function forwardedProgram(start: ProgramStart, socket: string, hosts: HostList): ProgramStart {
  const node = process.execPath;
  return {
    ...start,
    file: '/bin/sh',
    args: ['-c', SCRIPT, 'sh', node, SOURCE, socket, start.file, ...start.args],
    env: { ...start.env, ...proxyVariables(hosts) },
    own: [
      ...(start.own ?? []),
      { path: path.dirname(node), writable: false },
      { path: path.dirname(socket), writable: false },
    ],
  };
}

/** Package managers (npm, pip, cargo, go, git, apt) and most programs read these. */
function proxyVariables(hosts: HostList): Record<string, string> {
  const direct = OWN_HOSTS.filter((host) => !hosts.namesAddress(host)).join(',');
  const variables = {
    http_proxy: PROXY,
    https_proxy: PROXY,
    all_proxy: PROXY,
    no_proxy: direct,
    npm_config_noproxy: direct,
    // Node 24 and later.
    NODE_USE_ENV_PROXY: '1',
  };
  const upper = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'] as const;
  return {
    ...variables,
    ...Object.fromEntries(upper.map((name) => [name.toUpperCase(), variables[name]])),
  };
}
