import { parseArgs } from 'node:util';
import { type Parsed, type Subcommand, usageError } from '../subcommand.js';

/** What to import, and how. */
export interface ImportCommandOptions {
  /** Folders of conversations, and zips. */
  paths: string[];
  /** Files with secret keys of the servers that wrote them. */
  secretKeyFiles: string[];
  timeZone: string | undefined;
  /** Prefixes of working directories, and what takes their place. */
  workspaces: (readonly [from: string, to: string])[];
  newId: boolean;
  dryRun: boolean;
  /** Where a report of each conversation is written, as JSON lines. */
  report: string | undefined;
}

/** The output of `import --help`. */
const HELP = `Usage: openhands-agent-server import PATH... [options]

Takes conversations of the Python server as they lie on disk, and those of this server, into the storage of
this configuration (files or PostgreSQL). A PATH is the folder of a conversation, a folder of such folders
(workspace/conversations), or a trajectory zip. What is there stays unchanged. Run it again after it was
ended: it goes on where it was. A conversation that is here already is left as it is.

Options:
  --secret-key-file FILE  a file with the secret key (OH_SECRET_KEY) of the other server; may be repeated.
                          Secrets that no key opens are stored as they are, and named
  --time-zone ZONE        the time zone of the other server, such as Europe/Berlin or +02:00 (default: found
                          by the times of each conversation)
  --workspace OLD=NEW     the folder NEW takes the place of the working directory OLD, and of what is below;
                          may be repeated
  --new-id                a conversation whose id is taken by a different one gets a new id (default: it is
                          refused)
  --report FILE           write what was found in each conversation to FILE, a JSON object a line
  --dry-run               read everything, write nothing
  -h, --help              print this text and exit

The other server must not be running: conversations that it has open are refused. Its folder must not be the
one in which this server stores conversations: rename it first.
`;

/** The command `import`. */
export const importCommand: Subcommand = { help: HELP, parse };

function parse(args: readonly string[]): Parsed {
  const { values, positionals: paths } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'secret-key-file': { type: 'string', multiple: true, default: [] },
      'time-zone': { type: 'string' },
      workspace: { type: 'string', multiple: true, default: [] },
      'new-id': { type: 'boolean', default: false },
      report: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { kind: 'help' };
  if (paths.length === 0) return usageError('import requires the path of a folder or a zip');
  const workspaces: [string, string][] = [];
  for (const text of values.workspace) {
    const [from = '', to = '', ...more] = text.split('=');
    if (from === '' || to === '' || more.length > 0)
      return usageError(`--workspace requires OLD=NEW, not '${text}'`);
    workspaces.push([withoutSlash(from), withoutSlash(to)]);
  }
  return running({
    paths,
    secretKeyFiles: values['secret-key-file'],
    timeZone: values['time-zone'],
    workspaces,
    newId: values['new-id'],
    dryRun: values['dry-run'],
    report: values.report,
  });
}

function running(options: ImportCommandOptions): Parsed {
  return {
    kind: 'run',
    run: async (config) => (await import('./run-import.js')).runImport(options, config, process.stdout),
    explain: async (error) => (await import('../copying/copy-error.js')).explainCopyError(error),
  };
}

function withoutSlash(folder: string): string {
  return folder.length > 1 && folder.endsWith('/') ? folder.slice(0, -1) : folder;
}
