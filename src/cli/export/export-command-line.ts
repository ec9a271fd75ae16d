import { parseArgs } from 'node:util';
import { conversationIdIn, type Parsed, type Subcommand, usageError } from '../subcommand.js';

/** What to export, and where. */
export interface ExportCommandOptions {
  /** Ids of conversations, with dashes; empty: all. */
  ids: string[];
  /** A folder. */
  to: string;
  /** As zips, with secrets masked. */
  zip: boolean;
}

/** The output of `export --help`. */
const HELP = `Usage: openhands-agent-server export ID... --to FOLDER [options]
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

/** The command `export`. */
export const exportCommand: Subcommand = { help: HELP, parse };

function parse(args: readonly string[]): Parsed {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      all: { type: 'boolean', default: false },
      to: { type: 'string' },
      zip: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { kind: 'help' };
  if (values.to === undefined || values.to === '') return usageError('--to requires a folder');
  if (values.all && positionals.length > 0) return usageError('--all and ids exclude each other');
  if (!values.all && positionals.length === 0)
    return usageError('export requires the ids of conversations, or --all');
  const ids: string[] = [];
  for (const text of positionals) {
    const id = conversationIdIn(text);
    if (id === undefined) return usageError(`'${text}' is not the id of a conversation`);
    ids.push(id);
  }
  return running({ ids, to: values.to, zip: values.zip });
}

function running(options: ExportCommandOptions): Parsed {
  return {
    kind: 'run',
    run: async (config) => (await import('./run-export.js')).runExport(options, config, process.stdout),
    explain: async (error) => (await import('../copying/copy-error.js')).explainCopyError(error),
  };
}
