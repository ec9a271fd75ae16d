import { parseArgs } from 'node:util';
import type { ListenAddress } from '../config/index.js';
import { errorMessage } from '../errors/index.js';
import { SUBCOMMANDS, type SubcommandEntry } from './subcommands.js';

/** A parsed command line. */
export type Command =
  | { kind: 'help' }
  | { kind: 'version' }
  | { kind: 'usage-error'; message: string }
  /** A command beside the server, with the arguments behind its name. */
  | { kind: 'subcommand'; name: string; args: readonly string[] }
  | { kind: 'fetch-ui' }
  | { kind: 'check-config'; listen: ListenAddress; ui?: string | null }
  | { kind: 'serve'; listen: ListenAddress; ui?: string | null; reload: boolean };

/** The output of `--help`. */
export const HELP = `Usage: openhands-agent-server [options]
${lines(([name, { usage }]) => `       openhands-agent-server ${name} ${usage}`)}

Options:
  --host HOST      address to listen on (default: 0.0.0.0). Without this option and without a
                   session key, only requests from this machine are served.
  -p, --port PORT  port to listen on, 0 for any free one (default: 8000)
  --ui DIR         serve the built web UI in this folder at / (default: the one that --fetch-ui
                   has fetched, if any)
  --no-ui          serve no web UI
  --fetch-ui       fetch the web UI with npm, and exit
  --reload         restart when the sources change (without sources: the built server)
  --check-config   print the effective configuration with masked secrets, and exit
  -v, --version    print the version and exit
  -h, --help       print this text and exit

${lines(([name, { summary }]) => `${name} ${summary} (${name} --help).`)}

Configuration is read from $OPENHANDS_AGENT_SERVER_CONFIG_PATH, by default
workspace/openhands_agent_server_config.json, then from OH_* variables. SESSION_API_KEY sets the key
that clients must send, OH_SECRET_KEY encrypts stored secrets. Relative paths are resolved against
the current folder.
`;

/** Parses the arguments after the program name. */
export function parseCommandLine(args: readonly string[]): Command {
  const [name = ''] = args;
  if (Object.hasOwn(SUBCOMMANDS, name)) return { kind: 'subcommand', name, args: args.slice(1) };
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        host: { type: 'string' },
        port: { type: 'string', short: 'p', default: '8000' },
        ui: { type: 'string' },
        'no-ui': { type: 'boolean', default: false },
        'fetch-ui': { type: 'boolean', default: false },
        reload: { type: 'boolean', default: false },
        'check-config': { type: 'boolean', default: false },
        version: { type: 'boolean', short: 'v', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { kind: 'help' };
    if (values.version) return { kind: 'version' };
    if (values['fetch-ui']) return { kind: 'fetch-ui' };
    const port = parsePort(values.port);
    if (port === undefined)
      return usageError(`--port must be a number from 0 to 65535, not '${values.port}'`);
    if (values.host === '') return usageError('--host requires an address');
    if (values.ui?.trim() === '') return usageError('--ui requires a folder');
    if (values['no-ui'] && values.ui !== undefined) return usageError('--ui and --no-ui exclude each other');
    const ui = values['no-ui'] ? { ui: null } : values.ui === undefined ? {} : { ui: values.ui };
    const listen = { host: values.host ?? '0.0.0.0', port, hostGiven: values.host !== undefined };
    if (values['check-config']) return { kind: 'check-config', listen, ...ui };
    return { kind: 'serve', listen, ...ui, reload: values.reload };
  } catch (error) {
    // Node's message continues with advice on its own syntax.
    const message = errorMessage(error).split(/\. |\n/)[0] ?? '';
    // npm keeps the options that precede `--`, and passes only their values on.
    const advice = message.startsWith('Unexpected argument') ? '; with npm: npm start -- --port 3000' : '';
    return usageError(message, advice);
  }
}

function lines(line: (entry: [string, SubcommandEntry]) => string): string {
  return Object.entries(SUBCOMMANDS).map(line).join('\n');
}

function usageError(message: string, advice = ''): Command {
  return { kind: 'usage-error', message: `${message} (see --help${advice})` };
}

function parsePort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  return port <= 65535 ? port : undefined;
}
