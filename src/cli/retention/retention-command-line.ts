import { parseArgs } from 'node:util';
import { type Parsed, type Subcommand, usageError } from '../subcommand.js';

/** What to look at. */
export interface RetentionLook {
  /** Instead of those of the configuration. */
  days: number | undefined;
  budget: number | undefined;
  asJson: boolean;
}

const HELP = `Usage: openhands-agent-server retention [--days N] [--budget SHARE] [--json]

Lists the conversations that the retention would remove now, and why. Removes nothing: a running server
does that by itself, or with POST /api/retention/sweep. Run it with the configuration of the server (the
same folder, file and OH_* variables). What a running server has open counts as used.

Options:
  --days N        as conversation_storage_retention_days: not changed for N days
  --budget SHARE  as conversation_storage_disk_budget: more than this share of the file system, as 0.5
  --json          print one object for programs
  -h, --help      print this text and exit
`;

/** Lists what the retention would remove. */
export const retentionCommand: Subcommand = { help: HELP, parse };

function parse(args: readonly string[]): Parsed {
  const { values } = parseArgs({
    args: [...args],
    options: {
      days: { type: 'string' },
      budget: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { kind: 'help' };
  const [days, budget] = [numberIn(values.days), numberIn(values.budget)];
  if (days !== undefined && !(days > 0)) return usageError('--days requires a number above 0');
  if (budget !== undefined && !(budget > 0 && budget < 1))
    return usageError('--budget requires a number between 0 and 1');
  const look = { days, budget, asJson: values.json };
  return {
    kind: 'run',
    run: async (config, output) => (await import('./run-retention.js')).runRetention(look, config, output),
    explain: async (error) => [(await import('./run-retention.js')).explainRetentionError(error)],
  };
}

function numberIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return text.trim() === '' ? NaN : Number(text);
}
