import { parseArgs } from 'node:util';
import { errorMessage } from '../../errors/index.js';
import { type Parsed, type Subcommand, usageError } from '../subcommand.js';

const HELP = `Usage: openhands-agent-server usage rebuild

Adds to the ledger of what models have cost all calls that only the logs of conversations have, and
makes its sums anew. Calls of deleted conversations stay. Run it with the configuration of the server
(the same folder, file and OH_* variables), whether a server runs or not.

A server completes its ledger by itself after a crash, and makes one where there is none: this is for
a ledger that was damaged or removed in part.

Options:
  -h, --help  print this text and exit
`;

/** The command `usage`. */
export const usageCommand: Subcommand = { help: HELP, parse };

function parse(args: readonly string[]): Parsed {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) return { kind: 'help' };
  const [action, unexpected] = positionals;
  if (unexpected !== undefined) return usageError(`Unexpected argument '${unexpected}'`);
  if (action !== 'rebuild') return usageError('usage requires rebuild');
  return {
    kind: 'run',
    run: async (config, output) => (await import('./rebuild.js')).rebuild(config, output),
    explain: (error) => [`the ledger cannot be rebuilt: ${errorMessage(error).split('\n')[0] ?? ''}`],
  };
}
