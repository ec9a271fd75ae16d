import { ConsoleLogger, type LoggerService } from '@nestjs/common';
import type { AppConfig } from '../../config/index.js';
import { errorMessage } from '../../errors/index.js';
import {
  DamagedConversationError,
  isUserDocument,
  isWorkspaceDocument,
  type Documents,
} from '../../storage/index.js';
import { webhookTargets } from '../../webhooks/index.js';
import { countBashEvents, moveBashHistory } from './bash-move.js';
import { ConversationMove } from './conversation-move.js';
import { DeliveriesMove } from './deliveries-move.js';
import { moveDocuments } from './documents-move.js';
import type { MoveOptions } from './move-command-line.js';
import { CopyError } from '../copying/copy-error.js';
import { ConversationHeldError, DifferentCopyError } from './move-errors.js';
import { CopyProgress, type CopyOutput } from '../copying/copy-progress.js';
import { MoveRecords } from './move-record.js';
import { resolvePlace } from './place.js';
import { assertSecretKey } from './secret-check.js';
import { moveAutomations } from './move-automations.js';
import { StorageSide } from './storage-side.js';

/** How many conversations are moved at the same time. */
const PARALLEL = 4;
/** So many problems are printed; the rest is counted. */
const MAX_PROBLEMS = 100;

/** Moves everything from one place to another. @returns the exit code: 1 if something was left out */
export async function move(options: MoveOptions, config: AppConfig, output: CopyOutput): Promise<number> {
  const [source, target] = [
    await resolvePlace(options.from, config, 'source'),
    await resolvePlace(options.to, config, 'target'),
  ];
  if (isSame(source, target)) throw new CopyError(`source and target are the same: ${source.label}`);
  output.write(`from ${source.label}\nto   ${target.label}\n`);
  const logger = new MoveLogger(output);
  const from = await StorageSide.open(source, logger);
  try {
    // A database remembers the key of the first who opens it.
    await assertSecretKey(from, config);
    const to = await StorageSide.open(target, logger);
    try {
      return await new Move(from, to, options, config, output).run();
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

function isSame(a: { config: AppConfig; kind: string }, b: { config: AppConfig; kind: string }): boolean {
  if (a.kind !== b.kind) return false;
  return a.kind === 'files'
    ? a.config.paths.conversations === b.config.paths.conversations
    : a.config.database_url === b.config.database_url;
}

/** What was left out, by reason. */
interface Problems {
  damaged: number;
  held: number;
  different: number;
}

/** One move between two opened places. */
class Move {
  private readonly counts = { moved: 0, same: 0, events: 0, bytes: 0 };
  private readonly problems: Problems = { damaged: 0, held: 0, different: 0 };
  /** The stamps of the source's metadata when they were moved: what changes later is moved again. */
  private readonly stamps = new Map<string, string>();
  private progress: CopyProgress;

  constructor(
    private readonly from: StorageSide,
    private readonly to: StorageSide,
    private readonly options: MoveOptions,
    private readonly config: AppConfig,
    private readonly output: CopyOutput,
  ) {
    this.progress = new CopyProgress(output, 0);
  }

  async run(): Promise<number> {
    const records = await MoveRecords.begin(this.from, this.to, this.options.again);
    if (records.isContinued)
      this.output.write('the target has a part of it already: only the rest is copied\n');
    this.explainFiles();
    if (!this.options.dryRun) await records.save();
    await this.moveDocuments(records);
    if (!this.options.dryRun) await records.save();
    const ids = webhookTargets(this.config).map(({ id }) => id);
    const deliveries = new DeliveriesMove(this.from, this.to, this.options.dryRun ? [] : ids);
    try {
      await this.moveConversations(deliveries);
      const { moved, left } = await deliveries.moveOutbox(this.from.settling.settledAt);
      if (moved > 0) this.output.write(`pending webhook deliveries: ${moved} moved\n`);
      if (left > 0) {
        this.problems.held += left;
        this.output.write(`left out: ${left} pending webhook deliveries of a server that may be alive\n`);
      }
    } finally {
      await deliveries.close();
    }
    await this.moveBash();
    await this.moveUsage();
    await this.moveAutomations();
    return this.finish(records);
  }

  private explainFiles(): void {
    const [source, target] = [this.from.conversationsPath, this.to.conversationsPath];
    this.output.write(
      source === target
        ? `files of conversations (long outputs, logs of sub-agents) stay in ${source}\n`
        : `files of conversations (long outputs, logs of sub-agents) are copied to ${target}\n`,
    );
  }

  private async moveDocuments(records: MoveRecords): Promise<void> {
    const [from, to] = [this.from, this.to];
    if (from.isFiles && to.isFiles) {
      this.output.write('settings stay where they are: both places use the same folder\n');
      return;
    }
    const { dryRun } = this.options;
    const move = (source: Documents, target: Documents, isOne: (name: string) => boolean) =>
      moveDocuments(source, target, records, { isOne, dryRun });
    const user = await move(from.documents, to.documents, isUserDocument);
    const shared = await move(from.workspaces, to.workspaces, isWorkspaceDocument);
    for (const name of [...user.different, ...shared.different]) {
      this.problems.different += 1;
      this.output.write(`left out: document ${name}: it was changed at the target since it was moved\n`);
    }
    const [moved, same] = [user.moved + shared.moved, user.same + shared.same];
    this.output.write(`settings: ${moved} documents ${this.verb}, ${same} were the same\n`);
  }

  private async moveConversations(deliveries: DeliveriesMove): Promise<void> {
    this.progress = new CopyProgress(this.output, await this.from.count());
    const mover = new ConversationMove(this.from, this.to, this.options, deliveries);
    await this.forEachId(this.from.ids(), (id) => this.moveOne(mover, id));
    if (!this.options.dryRun) {
      // A server may have written to the source meanwhile.
      await this.forEachId(this.changed(), (id) => this.moveOne(mover, id));
    }
    this.progress.clear();
    const { moved, same, events, bytes } = this.counts;
    const size = (bytes / 2 ** 20).toFixed(1);
    this.output.write(
      `conversations: ${moved} ${this.verb}, ${same} were the same; ${events} events, ${size} MiB read, ` +
        `each log compared by number and SHA-256\n`,
    );
  }

  private async moveOne(mover: ConversationMove, id: string): Promise<void> {
    const stamp = await this.from.catalogue.stampOf(id);
    try {
      const { outcome, events } = await mover.move(id, (count, bytes) => {
        this.counts.bytes += bytes;
        this.progress.add(count, bytes);
      });
      if (!this.stamps.has(id)) {
        if (outcome !== 'none') this.counts[outcome] += 1;
        this.counts.events += events;
      }
      this.stamps.set(id, stamp ?? '');
    } catch (error) {
      this.leaveOut(id, error);
    }
    this.progress.next();
  }

  /** @throws the error unless it concerns this conversation only */
  private leaveOut(id: string, error: unknown): void {
    const reason =
      error instanceof DamagedConversationError
        ? 'damaged'
        : error instanceof ConversationHeldError
          ? 'held'
          : error instanceof DifferentCopyError
            ? 'different'
            : undefined;
    if (reason === undefined) throw error;
    this.problems[reason] += 1;
    const { damaged, held, different } = this.problems;
    if (damaged + held + different > MAX_PROBLEMS) return;
    this.progress.print(`${this.leftOut}: conversation ${id}: ${errorMessage(error)}`);
  }

  /** The moved conversations whose metadata have changed since. */
  private async *changed(): AsyncGenerator<string> {
    for (const [id, stamp] of [...this.stamps]) {
      const now = await this.from.catalogue.stampOf(id);
      if (now !== undefined && now !== stamp) yield id;
    }
  }

  private async forEachId(ids: AsyncGenerator<string>, action: (id: string) => Promise<void>): Promise<void> {
    const work = async (): Promise<void> => {
      for (let next = await ids.next(); next.done !== true; next = await ids.next()) await action(next.value);
    };
    const results = await Promise.allSettled(Array.from({ length: PARALLEL }, work));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  private async moveBash(): Promise<void> {
    if (this.options.dryRun) {
      this.output.write(`bash history of the server: ${await countBashEvents(this.from)} events\n`);
      return;
    }
    const missing = await moveBashHistory(this.from, this.to);
    this.output.write(`bash history of the server: ${missing} events copied\n`);
  }

  private async moveUsage(): Promise<void> {
    let [all, added] = [0, 0];
    for await (const entries of this.from.usage.entries()) {
      all += entries.length;
      if (!this.options.dryRun) added += await this.to.usage.append(entries);
    }
    const done = this.options.dryRun ? 'would be copied' : `read, ${added} copied`;
    this.output.write(`ledger of usage: ${all} calls ${done}\n`);
  }

  private async moveAutomations(): Promise<void> {
    const { dryRun } = this.options;
    const { found, copied } = await moveAutomations(this.from.automations, this.to.automations, dryRun);
    if (found > 0)
      this.output.write(`automations: ${found} ${dryRun ? 'would be copied' : `read, ${copied} copied`}\n`);
  }

  private async finish(records: MoveRecords): Promise<number> {
    const { damaged, held, different } = this.problems;
    const left = damaged + held + different;
    if (left === 0) {
      if (!this.options.dryRun) await records.complete();
      this.output.write(
        this.options.dryRun
          ? 'dry run: nothing was written\n'
          : 'done: the source is unchanged, start the servers on the target\n',
      );
      return 0;
    }
    const kinds = [
      damaged > 0 && `${damaged} damaged (--accept-damaged moves those with damaged events)`,
      held > 0 && `${held} held by running servers (stop them, or --wait)`,
      different > 0 && `${different} that differ at the target`,
    ].filter((kind) => kind !== false);
    this.output.write(`${left} ${this.leftOut}: ${kinds.join(', ')}\n`);
    this.output.write(
      this.options.dryRun
        ? 'dry run: nothing was written\n'
        : 'everything else is there; the same command goes on with the rest\n',
    );
    return 1;
  }

  private get leftOut(): string {
    return this.options.dryRun ? 'would be left out' : 'left out';
  }

  private get verb(): string {
    return this.options.dryRun ? 'would be moved' : 'moved';
  }
}

/** Prints warnings of the drivers only. */
class MoveLogger extends ConsoleLogger implements LoggerService {
  constructor(private readonly output: CopyOutput) {
    super({ logLevels: ['warn', 'error', 'fatal'], colors: false });
  }

  override printMessages(messages: unknown[], context?: string): void {
    // What keeps the storage from opening is explained at the end.
    if (context === 'ExceptionHandler') return;
    // Settings that the target does not have yet are what is moved.
    if (context === 'Settings') return;
    for (const message of messages) this.output.write(`warning: ${String(message)}\n`);
  }
}
