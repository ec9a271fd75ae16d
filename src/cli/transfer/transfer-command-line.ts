import { parseArgs } from 'node:util';
import { errorMessage } from '../../errors/index.js';

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

/** What to export, and where. */
export interface ExportCommandOptions {
  /** Ids of conversations; empty: all. */
  ids: string[];
  /** A folder. */
  to: string;
  /** As zips, with secrets masked. */
  zip: boolean;
}

/** A parsed command line of `import` or `export`. */
export type TransferCommand =
  | { kind: 'import-help' | 'export-help' }
  | { kind: 'usage-error'; message: string }
  | { kind: 'import'; options: ImportCommandOptions }
  | { kind: 'export'; options: ExportCommandOptions };

/** The output of `import --help`. */
export const IMPORT_HELP = `Usage: openhands-agent-server import PATH... [options]

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

/** The output of `export --help`. */
export const EXPORT_HELP = `Usage: openhands-agent-server export ID... --to FOLDER [options]
       openhands-agent-server export --all --to FOLDER [options]

Writes conversations to a folder in the layout of the Python server, which can use that folder as its
conversations_path. Secrets are encrypted with the secret key of this configuration (OH_SECRET_KEY): the
other server needs the same one. Without a key they are masked, and lost there.

Options:
  --all         all conversations
  --to FOLDER   where a folder is made for each conversation; one that is there is left as it is
  --zip         write a trajectory zip for each instead, with secrets masked
  -h, --help    print this text and exit
`;

/** Parses the arguments after `import`. */
export function parseImportCommandLine(args: readonly string[]): TransferCommand {
  try {
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
    if (values.help) return { kind: 'import-help' };
    if (paths.length === 0) return usageError('import requires the path of a folder or a zip', 'import');
    const workspaces: [string, string][] = [];
    for (const text of values.workspace) {
      const [from = '', to = '', ...more] = text.split('=');
      if (from === '' || to === '' || more.length > 0)
        return usageError(`--workspace requires OLD=NEW, not '${text}'`, 'import');
      workspaces.push([withoutSlash(from), withoutSlash(to)]);
    }
    return {
      kind: 'import',
      options: {
        paths,
        secretKeyFiles: values['secret-key-file'],
        timeZone: values['time-zone'],
        workspaces,
        newId: values['new-id'],
        dryRun: values['dry-run'],
        report: values.report,
      },
    };
  } catch (error) {
    return usageError(firstSentence(error), 'import');
  }
}

/** Parses the arguments after `export`. */
export function parseExportCommandLine(args: readonly string[]): TransferCommand {
  try {
    const { values, positionals: ids } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        all: { type: 'boolean', default: false },
        to: { type: 'string' },
        zip: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { kind: 'export-help' };
    if (values.to === undefined || values.to === '') return usageError('--to requires a folder', 'export');
    if (values.all && ids.length > 0) return usageError('--all and ids exclude each other', 'export');
    if (!values.all && ids.length === 0)
      return usageError('export requires the ids of conversations, or --all', 'export');
    return { kind: 'export', options: { ids, to: values.to, zip: values.zip } };
  } catch (error) {
    return usageError(firstSentence(error), 'export');
  }
}

/** Node's message continues with advice on its own syntax. */
function firstSentence(error: unknown): string {
  return errorMessage(error).split(/\. |\n/)[0] ?? '';
}

function withoutSlash(folder: string): string {
  return folder.length > 1 && folder.endsWith('/') ? folder.slice(0, -1) : folder;
}

function usageError(message: string, command: string): TransferCommand {
  return { kind: 'usage-error', message: `${message} (see ${command} --help)` };
}
