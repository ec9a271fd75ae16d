import { parseArgs } from 'node:util';
import { type Parsed, type Subcommand, usageError } from '../subcommand.js';

/** What to move, and how. */
export interface MoveOptions {
  /** A folder or the URL of a database. */
  from: string;
  to: string;
  /** Read and compare, and write nothing. */
  dryRun: boolean;
  /** Seconds to wait for a conversation that a running server holds. */
  waitSeconds: number;
  /** Move conversations with damaged events: an error event takes the place of each. */
  acceptDamaged: boolean;
  /** Move again what was moved before, and has been used since. */
  again: boolean;
}

/** The longest wait for a server (s): an hour. */
const MAX_WAIT_SECONDS = 3600;

/** The output of `move --help`. */
const HELP = `Usage: openhands-agent-server move --from PLACE --to PLACE [options]

Copies conversations, settings, webhook positions and the bash history from one storage to another. A
PLACE is a folder with \`conversations\` in it, such as workspace, or postgres://user:password@host/database.
What is stored at the source stays there. Run it again after it was ended: it goes on where it was.

Options:
  --from PLACE      where everything is
  --to PLACE        where everything will be: a new folder, an empty database, or where it was moved from
  --dry-run         read everything and say what would be moved (a database only gets its tables)
  --wait SECONDS    wait for conversations that a running server has open (default: 0, they are reported)
  --accept-damaged  move conversations with damaged events too: an error event takes the place of each
  --again           move to a place to which this source was moved before
  -h, --help        print this text and exit

Stop the servers on both places first. The configuration is that of the server (the same file and OH_*
variables): it says where the files of conversations and the settings of the user are, and has the secret
key. A password on the command line is visible to other users: OH_DATABASE_URL_FILE may name a file that
holds the URL; then the PLACE is just postgres.
`;

/** The command `move`. */
export const moveCommand: Subcommand = { help: HELP, parse };

function parse(args: readonly string[]): Parsed {
  const { values } = parseArgs({
    args: [...args],
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      wait: { type: 'string', default: '0' },
      'accept-damaged': { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { kind: 'help' };
  const { from = '', to = '' } = values;
  for (const [name, place] of Object.entries({ from, to }))
    if (place.trim() === '')
      return usageError(`--${name} requires a folder or the URL of a database, such as postgres://host/name`);
  const waitSeconds = /^\d{1,4}$/.test(values.wait) ? Number(values.wait) : NaN;
  if (!(waitSeconds <= MAX_WAIT_SECONDS))
    return usageError(`--wait must be a number from 0 to ${MAX_WAIT_SECONDS}, not '${values.wait}'`);
  const { 'dry-run': dryRun, 'accept-damaged': acceptDamaged, again } = values;
  return running({ from, to, dryRun, waitSeconds, acceptDamaged, again });
}

function running(options: MoveOptions): Parsed {
  return {
    kind: 'run',
    run: async (config) => (await import('./move.js')).move(options, config, process.stdout),
    explain: async (error) => (await import('../copying/copy-error.js')).explainCopyError(error),
  };
}
