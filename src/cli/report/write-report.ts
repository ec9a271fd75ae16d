import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { lstat, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { AppConfig } from '../../config/index.js';
import { maskLooseSecrets } from '../../crypto/index.js';
import { errorCode, errorMessage } from '../../errors/index.js';
import { undefinedIfMissing, zipArchive, type ZipMember } from '../../files/index.js';
import type { CommandOutput } from '../subcommand.js';
import type { ReportOptions } from './report-command-line.js';

/** Longest time of a request (ms). The archive of a long conversation is the longest. */
const TIME_LIMIT_MS = 10 * 60_000;
/** Readable by the user only: a report has the texts of a conversation. */
const FILE_MODE = 0o600;

/** Why a report cannot be written; the message is for the operator. */
class ReportError extends Error {
  override readonly name = 'ReportError';
}

/** A part of a report, and the route that answers with it. */
interface Part {
  name: string;
  route: string;
  /** Changes the whole answer: clients need what people who get a report should not see. */
  change?: (text: string) => string;
}

/**
 * Asks a running server for each part, and writes them into a zip. A part that the server cannot answer is
 * part of the report as well, as `problems.txt`: it may be the bug. @returns the exit code
 */
export async function writeReport(
  options: ReportOptions,
  config: AppConfig,
  output: CommandOutput,
): Promise<number> {
  const { id, server } = options;
  const key = config.session_api_keys[0];
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new ReportError('interrupted'));
  const ask = async (route: string): Promise<Response> =>
    fetch(server + route, {
      headers: key === undefined ? {} : { 'x-session-api-key': key },
      redirect: 'error',
      signal: AbortSignal.any([interrupted.signal, AbortSignal.timeout(TIME_LIMIT_MS)]),
    });
  const file = options.output ?? `report-${id}.zip`;
  const problems: string[] = [];
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, interrupt);
  try {
    await assertAllowed(await ask(`/api/conversations/${id}`), options);
    await writeNew(file, zipArchive(members(partsOf(id), ask, problems)), interrupted.signal);
  } finally {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.removeListener(name, interrupt);
  }
  for (const problem of problems) output.note(`left out: ${problem}`);
  output.note('secrets are masked, texts of messages, commands and files are not: look before you send it');
  output.print(file);
  return problems.length > 0 ? 1 : 0;
}

/** Writes a file that gets its name when it is complete. @throws ReportError if there is one */
async function writeNew(file: string, content: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
  await assertFree(file);
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await pipeline(content, createWriteStream(temporary, { flags: 'wx', mode: FILE_MODE }), { signal });
    await assertFree(file);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    // A stream is told of an abort, not of its reason.
    signal.throwIfAborted();
    throw error;
  }
}

async function assertFree(file: string): Promise<void> {
  if ((await lstat(file).catch(undefinedIfMissing)) !== undefined)
    throw new ReportError(`${file} exists: name another file with --output`);
}

/** Explains to the operator, line by line, why there is no report. */
export function explainReportError(error: unknown, { server }: ReportOptions): string[] {
  if (error instanceof ReportError) return [error.message];
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  if (errorCode(cause) === 'ECONNREFUSED')
    return [`no server answers at ${server}: start it, or name another one with --server`];
  return [`cannot write the report: ${errorMessage(cause ?? error).split('\n')[0] ?? ''}`];
}

async function assertAllowed(response: Response, { id, server }: ReportOptions): Promise<void> {
  await response.body?.cancel();
  if (response.status === 404) throw new ReportError(`the server at ${server} has no conversation ${id}`);
  if (response.status === 401 || response.status === 403)
    throw new ReportError(`the server at ${server} refuses the key: set SESSION_API_KEY to its key`);
}

function partsOf(id: string): Part[] {
  const conversation = `/api/conversations/${id}`;
  return [
    { name: 'server/info.json', route: '/server_info' },
    { name: 'server/configuration.json', route: '/api/server/configuration' },
    { name: 'server/log.json', route: '/api/server/log?limit=500' },
    { name: 'server/metrics.txt', route: '/metrics' },
    { name: 'conversation/info.json', route: conversation, change: maskedInfo },
    { name: 'conversation/summary.json', route: `${conversation}/timeline/summary` },
    { name: 'conversation/timeline.json', route: `${conversation}/timeline?limit=1000` },
    { name: 'conversation/trajectory.zip', route: `/api/file/download-trajectory/${id}` },
  ];
}

async function* members(
  parts: readonly Part[],
  ask: (route: string) => Promise<Response>,
  problems: string[],
): AsyncGenerator<ZipMember, void> {
  for (const { name, route, change } of parts) {
    const response = await ask(route).catch((error: unknown) => {
      problems.push(`${name}: ${errorMessage(error)}`);
    });
    if (!response) continue;
    if (response.ok && change) {
      const text = await response.text().catch((error: unknown) => {
        problems.push(`${name}: broke off: ${errorMessage(error)}`);
      });
      if (text !== undefined) yield memberOf(name, Buffer.from(change(text)));
    } else if (response.ok && response.body) yield memberOf(name, bytesOf(response, name, problems));
    else problems.push(`${name}: ${response.status} ${(await response.text()).slice(0, 1000)}`);
  }
  if (problems.length > 0) yield memberOf('problems.txt', Buffer.from(`${problems.join('\n')}\n`));
}

/** The conversation without secrets in addresses, arguments and labels, which its answer has for clients. */
function maskedInfo(text: string): string {
  return JSON.stringify(maskLooseSecrets(JSON.parse(text)));
}

/** What arrives; an answer that breaks off is kept as far as it came. */
async function* bytesOf({ body }: Response, name: string, problems: string[]): AsyncGenerator<Buffer, void> {
  try {
    for await (const chunk of body ?? []) yield Buffer.from(chunk as Uint8Array);
  } catch (error) {
    problems.push(`${name}: broke off: ${errorMessage(error)}`);
  }
}

function memberOf(name: string, content: NonNullable<ZipMember['content']>): ZipMember {
  return { name, mode: FILE_MODE, modified: new Date(), content };
}
