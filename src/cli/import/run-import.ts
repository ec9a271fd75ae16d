import { open, readFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { AppConfig } from '../../config/index.js';
import {
  type ConversationTransfer,
  findConversations,
  type FoundConversations,
  type ImportOptions,
  type ImportResult,
  NoConversationsError,
  type SourceFiles,
  zoneOf,
} from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import { DamagedConversationError, LeaseHeldError, TakeoverPendingError } from '../../storage/index.js';
import { CopyProgress, type CopyOutput } from '../copying/copy-progress.js';
import { CopyError } from '../copying/copy-error.js';
import { SettlingLeases } from '../copying/settling-leases.js';
import { withTransfer } from '../copying/transfer-context.js';
import type { ImportCommandOptions } from './import-command-line.js';

/** How many conversations are imported at the same time. */
const PARALLEL = 4;
/** So many conversations with problems are printed; the rest is counted. */
const MAX_PRINTED = 50;
/** So many problems of one conversation are printed. */
const MAX_PROBLEMS = 5;

/** Imports conversations into the configured storage. @returns the exit code: 1 if something was refused */
export async function runImport(
  options: ImportCommandOptions,
  config: AppConfig,
  output: CopyOutput,
): Promise<number> {
  const { timeZone } = options;
  const zone = timeZone === undefined ? undefined : zoneOf(timeZone);
  if (timeZone !== undefined && !zone) throw new CopyError(`unknown time zone ${timeZone}`);
  const secretKeys = await Promise.all(options.secretKeyFiles.map(readKey));
  const { newId, dryRun, workspaces } = options;
  const found = await findAll(options.paths);
  const report = options.report === undefined ? undefined : await open(options.report, 'w', 0o600);
  try {
    const target = config.database_url === null ? `files in ${config.paths.conversations}` : 'PostgreSQL';
    output.write(`into ${target}\n`);
    return await withTransfer(config, output, (transfer) => {
      const settling = new SettlingLeases(config);
      const progress = new CopyProgress(
        output,
        found.reduce((sum, { conversations }) => sum + conversations.length, 0),
      );
      const importOptions: ImportOptions = {
        ...{ secretKeys, zone, workspaces, newId, dryRun },
        onEvents: (events, bytes) => progress.add(events, bytes),
      };
      return new Import(transfer, importOptions, settling, progress, output, report).run(found);
    });
  } finally {
    await report?.close();
    for (const each of found) each.close();
  }
}

/** One run of the command. */
class Import {
  private readonly counts = {
    ...{ imported: 0, same: 0, different: 0, refused: 0 },
    ...{ events: 0, problems: 0, withLost: 0 },
  };
  private printed = 0;
  private reporting: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly transfer: ConversationTransfer,
    private readonly options: ImportOptions,
    private readonly settling: SettlingLeases,
    private readonly progress: CopyProgress,
    private readonly output: CopyOutput,
    private readonly report: FileHandle | undefined,
  ) {}

  async run(found: readonly FoundConversations[]): Promise<number> {
    const sources = found.flatMap(({ conversations }) => conversations).values();
    const work = async (): Promise<void> => {
      for (const files of sources) await this.importOne(files);
    };
    const results = await Promise.allSettled(Array.from({ length: PARALLEL }, work));
    await this.reporting;
    this.progress.clear();
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    for (const folder of found.flatMap(({ empty }) => empty))
      this.progress.print(`${folder}: no conversation (a start that failed)`);
    return this.summary();
  }

  private async importOne(files: SourceFiles): Promise<void> {
    const result = await this.attempt(files);
    this.counts[result.outcome] += 1;
    if (result.outcome === 'imported') {
      const { problems, lost_secrets } = result.report;
      this.counts.events += result.events;
      if (problems.length > 0) this.counts.problems += 1;
      if (lost_secrets.length > 0) this.counts.withLost += 1;
    }
    this.print(files, result);
    const line = `${JSON.stringify({ source: files.label, ...result })}\n`;
    this.reporting = this.reporting.then(() => this.report?.write(line));
    this.progress.next();
  }

  /** @throws the error unless it concerns this conversation only */
  private async attempt(files: SourceFiles): Promise<ImportResult> {
    try {
      return await this.settling.retry(() => this.transfer.import(files, this.options));
    } catch (error) {
      const isOfOne = [LeaseHeldError, TakeoverPendingError, DamagedConversationError].some(
        (type) => error instanceof type,
      );
      if (!isOfOne) throw error;
      return {
        ...{ outcome: 'refused', source_id: null, id: null, events: 0, reason: errorMessage(error) },
        report: { problems: [], lost_secrets: [], changes: [] },
      };
    }
  }

  private print(files: SourceFiles, { outcome, reason, report }: ImportResult): void {
    const { problems } = report;
    const isLeftOut = outcome === 'refused' || outcome === 'different';
    if (outcome === 'same' || (!isLeftOut && problems.length === 0)) return;
    this.printed += 1;
    if (this.printed > MAX_PRINTED) return;
    if (isLeftOut) return this.progress.print(`refused: ${files.label}: ${reason ?? ''}`);
    this.progress.print(`with problems: ${files.label}`);
    for (const text of problems.slice(0, MAX_PROBLEMS)) this.progress.print(`  ${text}`);
    if (problems.length > MAX_PROBLEMS) this.progress.print(`  and ${problems.length - MAX_PROBLEMS} more`);
  }

  private summary(): number {
    const { imported, same, different, refused, events, problems, withLost } = this.counts;
    const { dryRun } = this.options;
    const lines = [
      `conversations: ${imported} ${dryRun ? 'would be imported' : 'imported'} (${events} events), ` +
        `${same} were here already, ${refused + different} refused`,
      different > 0 &&
        `${different} differ from the conversation with their id: --new-id imports them beside it`,
      problems > 0 && `${problems} with problems: what could be read is there, the rest is kept beside it`,
      withLost > 0 &&
        `${withLost} with secrets that have no value (stored without a key, or no --secret-key-file opens them): ` +
          'set the key of the model again before they go on (--report names them)',
      dryRun ? 'dry run: nothing was written' : undefined,
      imported > 0 &&
        !dryRun &&
        "'openhands-agent-server usage rebuild' adds their costs to the ledger of usage",
    ];
    for (const line of lines) if (typeof line === 'string') this.output.write(`${line}\n`);
    return refused + different > 0 ? 1 : 0;
  }
}

async function findAll(paths: readonly string[]): Promise<FoundConversations[]> {
  const found: FoundConversations[] = [];
  try {
    for (const place of new Set(paths.map((name) => path.resolve(name))))
      found.push(await findConversations(place));
    return found;
  } catch (error) {
    for (const each of found) each.close();
    throw error instanceof NoConversationsError ? new CopyError(error.message) : error;
  }
}

async function readKey(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new CopyError(`cannot read the secret key: ${errorMessage(error)}`);
  });
  const key = text.trim();
  if (key === '') throw new CopyError(`${file} has no secret key`);
  return key;
}
