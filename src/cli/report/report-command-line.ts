import { parseArgs } from 'node:util';
import { parseUrl } from '../../text/index.js';
import { conversationIdIn, type Parsed, type Subcommand, usageError } from '../subcommand.js';

/** What to report, from where to where. */
export interface ReportOptions {
  /** The conversation's id with dashes. */
  id: string;
  /** URL of the server that has the conversation. */
  server: string;
  /** The file to write; undefined: a name made of the id, in the current folder. */
  output: string | undefined;
}

const HELP = `Usage: openhands-agent-server report ID [options]

Writes all that a bug report about a conversation needs into one zip: versions, configuration, warnings and
errors of the log, metrics, where the time went, and the events with the state of the conversation. Secrets
are masked. Texts of messages, commands and files are not: look at it before you send it to somebody.

Options:
  --server URL      the running server (default: http://127.0.0.1:8000). The key is that of this configuration
                    (SESSION_API_KEY); it must be one of an administrator.
  -o, --output FILE the zip to write (default: report-ID.zip here). A file that exists is not replaced.
  -h, --help        print this text and exit
`;

/** The command `report`. */
export const reportCommand: Subcommand = { help: HELP, parse };

function parse(args: readonly string[]): Parsed {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      server: { type: 'string', default: 'http://127.0.0.1:8000' },
      output: { type: 'string', short: 'o' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { kind: 'help' };
  const [id, ...more] = positionals;
  if (id === undefined) return usageError('report requires the id of a conversation');
  const plainId = conversationIdIn(id);
  if (plainId === undefined) return usageError(`'${id}' is not the id of a conversation`);
  if (more.length > 0) return usageError(`Unexpected argument '${more[0] ?? ''}'`);
  const url = parseUrl(values.server);
  if (!url || !/^https?:$/.test(url.protocol))
    return usageError(`--server requires a URL such as http://127.0.0.1:8000, not '${values.server}'`);
  if (url.username !== '' || url.password !== '')
    return usageError('--server takes no user name and password; the key is that of SESSION_API_KEY');
  if (url.search !== '' || url.hash !== '') return usageError('--server takes no query and no fragment');
  if (values.output?.trim() === '') return usageError('--output requires a file');
  return running({ id: plainId, server: url.href.replace(/\/$/, ''), output: values.output });
}

function running(options: ReportOptions): Parsed {
  return {
    kind: 'run',
    run: async (config, output) => (await import('./write-report.js')).writeReport(options, config, output),
    explain: async (error) => (await import('./write-report.js')).explainReportError(error, options),
  };
}
