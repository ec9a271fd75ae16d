import type { Subcommand } from './subcommand.js';

/** How `--help` shows a command, and where it is. */
export interface SubcommandEntry {
  /** The arguments in short. */
  usage: string;
  /** What it does, as the rest of a sentence that begins with its name. */
  summary: string;
  load: () => Promise<Subcommand>;
}

/** The commands by their names. What one of them needs is loaded when it is called. */
export const SUBCOMMANDS: Readonly<Record<string, SubcommandEntry>> = {
  move: {
    usage: '--from PLACE --to PLACE',
    summary: 'copies everything from files to a database or back',
    load: async () => (await import('./move/index.js')).moveCommand,
  },
  import: {
    usage: 'PATH... [options]',
    summary: 'takes conversations of the Python server and of this one',
    load: async () => (await import('./import/index.js')).importCommand,
  },
  export: {
    usage: 'ID... --to FOLDER',
    summary: 'writes conversations in the layout of the Python server',
    load: async () => (await import('./export/index.js')).exportCommand,
  },
  keys: {
    usage: 'create|list|revoke ...',
    summary: 'makes, lists and revokes named keys',
    load: async () => (await import('./keys/index.js')).keysCommand,
  },
  replay: {
    usage: 'ID|--trajectory ZIP [options]',
    summary: 'shows where a conversation would go another way now',
    load: async () => (await import('./replay/index.js')).replayCommand,
  },
  usage: {
    usage: 'rebuild',
    summary: 'completes the ledger of what models have cost from the logs',
    load: async () => (await import('./usage/index.js')).usageCommand,
  },
  report: {
    usage: 'ID',
    summary: 'writes what a bug report about a conversation needs into a zip',
    load: async () => (await import('./report/index.js')).reportCommand,
  },
  retention: {
    usage: '[--days N] [--budget SHARE] [--json]',
    summary: 'lists what the server would remove as too old or too much',
    load: async () => (await import('./retention/index.js')).retentionCommand,
  },
};
