import { parseArgs } from 'node:util';
import { tryParseJson, type JsonObject } from '../../json/index.js';
import { type Parsed, type Subcommand, usageError } from '../subcommand.js';

/** What to do with the keys. */
export type KeysAction =
  /** The fields of a request to make a key, not validated. */
  | { do: 'create'; request: JsonObject }
  | { do: 'list'; asJson: boolean }
  /** The id or the name of a key. */
  | { do: 'revoke'; key: string };

/** The output of `keys --help`. */
const HELP = `Usage: openhands-agent-server keys create NAME --scope SCOPE [options]
       openhands-agent-server keys list [--json]
       openhands-agent-server keys revoke NAME-OR-ID

Makes, lists and revokes named keys, whether a server runs or not. Run it with the configuration of the
server (the same folder, file and OH_* variables). A running server follows within a second.

create prints the key, once: only a hash of it is stored.

Options of create:
  --scope SCOPE     read: look; write: work with agents, too; admin: everything
  --reach REACH     all: all conversations (default); own: those that were created with the key
  --expires WHEN    30d, 12h or 2030-01-31T12:00:00Z (default: never)
  --limit NAME=N    requests_per_minute, sockets, concurrent_runs, conversations_per_day, usd_per_day or
                    usd_per_month; may be repeated
  -h, --help        print this text and exit
`;

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The command `keys`. */
export const keysCommand: Subcommand = { help: HELP, parse };

function parse(args: readonly string[]): Parsed {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      scope: { type: 'string' },
      reach: { type: 'string' },
      expires: { type: 'string' },
      limit: { type: 'string', multiple: true },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { kind: 'help' };
  const [action, subject, ...more] = positionals;
  if (more.length > 0) return usageError(`Unexpected argument '${more[0] ?? ''}'`);
  const { scope, reach, expires, limit } = values;
  const isCreate = action === 'create';
  if (!isCreate && [scope, reach, expires, limit].some((value) => value !== undefined))
    return usageError('--scope, --reach, --expires and --limit are for create');
  if (action === 'list') {
    if (subject !== undefined) return usageError(`Unexpected argument '${subject}'`);
    return running({ do: 'list', asJson: values.json });
  }
  if (!isCreate && action !== 'revoke') return usageError('keys requires create, list or revoke');
  if (subject === undefined) return usageError(`keys ${action} requires the name of a key`);
  if (!isCreate) return running({ do: 'revoke', key: subject });
  if (scope === undefined) return usageError('keys create requires --scope read, write or admin');
  const limits = limitsIn(limit ?? []);
  if (typeof limits === 'string') return usageError(limits);
  const request = {
    ...{ name: subject, scope, limits },
    ...(reach !== undefined && { reach }),
    ...(expires !== undefined && { expires_at: timeIn(expires) }),
  };
  return running({ do: 'create', request });
}

/** A time from now on, such as `30d`; any other text is left to the validation. */
function timeIn(text: string): string {
  const [, count, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  if (count === undefined) return text;
  return new Date(Date.now() + Number(count) * (UNITS[unit] ?? 0)).toISOString();
}

/** The limits that `NAME=N` state, or what is wrong with one. */
function limitsIn(texts: readonly string[]): JsonObject | string {
  const limits: [string, unknown][] = [];
  for (const text of texts) {
    const [name = '', value, ...more] = text.split('=');
    if (value === undefined || more.length > 0) return `--limit requires NAME=N, not '${text}'`;
    limits.push([name, tryParseJson(value) ?? value]);
  }
  return Object.fromEntries(limits);
}

function running(action: KeysAction): Parsed {
  return {
    kind: 'run',
    run: async (config, output) => (await import('./run-keys.js')).runKeys(action, config, output),
    explain: async (error) => [(await import('./run-keys.js')).explainKeysError(error)],
  };
}
