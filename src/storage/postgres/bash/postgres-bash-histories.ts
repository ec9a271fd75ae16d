import { Logger } from '@nestjs/common';
import { errorMessage } from '../../../errors/index.js';
import {
  BashHistories,
  type BashHistory,
  type BashHistoryLimits,
  type BashRecord,
} from '../../bash-history.js';
import type { Hints } from '../../hints.js';
import type { Database } from '../database/index.js';
import { ABANDONED_COMMANDS, EVENTS_FROM, EXPIRED, ORPHANS, STOP_REQUESTS } from './bash-statements.js';
import { BashStore, oldestAllowed } from './bash-store.js';
import { PostgresBashHistory } from './postgres-bash-history.js';
import type { NumberedLine } from './bash-follower.js';

/** The scope of the history of all servers. */
const NIL = '00000000-0000-0000-0000-000000000000';
/** The hints that a history has grown, and that a command is to be stopped. */
const GROWN = 'bash-grown';
const STOP = 'bash-stop';
/** How often requests to stop commands are looked for while some run here: hints may be lost (ms). */
const STOP_LOOK_MS = 2_000;
/** Histories or commands that one sweep handles, at most. */
const SWEEP_LIMIT = 100;
/** Events and bytes that an export reads at a time. */
const EXPORT_EVENTS = 100;
const EXPORT_BYTES = 1024 * 1024;

/** Makes the record of the end of a command whose server is dead. */
type ToEnd = (commandId: string, order: number) => BashRecord;

/** What the histories use. */
interface PostgresBashOptions {
  database: Database;
  hints: Hints;
  /** The id of this server. */
  serverId: string;
  limits: BashHistoryLimits;
  /** Time between two sweeps (seconds): that of a lease. */
  sweepSeconds: number;
}

/** The histories of all servers, in the database. */
export class PostgresBashHistories extends BashHistories {
  private readonly logger = new Logger('Bash');
  private readonly histories = new Map<string, Set<PostgresBashHistory>>();
  private readonly store: BashStore;
  /** Commands that run here. */
  private readonly running = new Set<string>();
  private readonly timers: NodeJS.Timeout[];
  private toEnd: ToEnd | undefined;
  private sweeping: Promise<void> | undefined;

  constructor(private readonly options: PostgresBashOptions) {
    super();
    const { database, hints, limits, sweepSeconds } = options;
    this.store = new BashStore(database, limits);
    hints.listen(GROWN, (scope) => this.changed(scope));
    hints.listen(STOP, (commandId) => {
      if (commandId === undefined) void this.lookForStops();
      else this.stopRequested(commandId);
    });
    this.timers = [
      setInterval(() => void this.lookForStops(), STOP_LOOK_MS).unref(),
      setInterval(() => void this.sweep(), sweepSeconds * 1000).unref(),
    ];
  }

  open(conversationId: string | undefined): Promise<BashHistory> {
    const scope = conversationId ?? NIL;
    const known = this.histories.get(scope) ?? new Set();
    this.histories.set(scope, known);
    const history = new PostgresBashHistory(this.options.database, scope, {
      store: (records) => this.storeHere(scope, records),
      expire: () => this.expire(scope),
      clear: () => this.store.clear(scope),
      tellStop: (commandId) => this.options.hints.tell(STOP, commandId),
      closed: () => {
        known.delete(history);
        if (known.size === 0 && this.histories.get(scope) === known) this.histories.delete(scope);
      },
    });
    known.add(history);
    return Promise.resolve(history);
  }

  async *lines(conversationId: string): AsyncGenerator<string, void> {
    let from = 0;
    for (;;) {
      const values = [conversationId, from, EXPORT_BYTES, EXPORT_EVENTS];
      const { rows } = await this.options.database.read<NumberedLine>(EVENTS_FROM, values);
      const last = rows.at(-1);
      if (!last) return;
      for (const { line } of rows) yield line;
      from = last.number + 1;
    }
  }

  remove(conversationId: string): Promise<void> {
    return this.store.remove(conversationId);
  }

  recordEndsOfDead(toEnd: ToEnd): void {
    this.toEnd = toEnd;
  }

  /** Gives up what the database does not take. Idempotent. */
  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.store.close();
    await this.sweeping;
  }

  /** Does what is to be done for all servers. One of them does it for each history and command. */
  sweep(): Promise<void> {
    this.sweeping ??= this.sweepAll()
      .catch((error: unknown) => this.logger.warn(`bash histories were not swept: ${errorMessage(error)}`))
      .finally(() => (this.sweeping = undefined));
    return this.sweeping;
  }

  private async storeHere(scope: string, records: readonly BashRecord[]): Promise<(number | undefined)[]> {
    const numbers = await this.store.store(scope, this.options.serverId, records);
    for (const [index, { commandId, kind, isLast }] of records.entries()) {
      if (numbers[index] === undefined || isLast) this.running.delete(commandId);
      else if (kind === 'BashCommand') this.running.add(commandId);
    }
    this.options.hints.tell(GROWN, scope);
    return numbers;
  }

  private async expire(scope: string): Promise<void> {
    if (this.options.limits.seconds !== null) await this.store.trim(scope);
  }

  private changed(scope: string | undefined): void {
    const changed = scope === undefined ? this.histories.values() : [this.histories.get(scope) ?? []];
    for (const histories of changed) for (const history of histories) history.changed();
  }

  private stopRequested(commandId: string): void {
    if (!this.running.has(commandId)) return;
    for (const histories of this.histories.values())
      for (const history of histories) history.stopRequested(commandId);
  }

  private async lookForStops(): Promise<void> {
    if (this.running.size === 0) return;
    try {
      const values = [this.options.serverId];
      const { rows } = await this.options.database.read<{ id: string }>(STOP_REQUESTS, values);
      for (const { id } of rows) this.stopRequested(id.replaceAll('-', ''));
    } catch (error) {
      this.logger.debug(`requests to stop commands could not be read: ${errorMessage(error)}`);
    }
  }

  private async sweepAll(): Promise<void> {
    const { database, limits } = this.options;
    await this.endAbandoned();
    const oldest = oldestAllowed(limits);
    if (oldest !== undefined) {
      const { rows } = await database.read<{ scope: string }>(EXPIRED, [oldest, SWEEP_LIMIT]);
      for (const { scope } of rows) await this.store.trim(scope);
    }
    const { rows } = await database.read<{ scope: string }>(ORPHANS, [NIL, SWEEP_LIMIT]);
    for (const { scope } of rows) await this.store.remove(scope);
  }

  /**
   * The records count as those of the dead server: if it lives on, its own output is refused from then on.
   */
  private async endAbandoned(): Promise<void> {
    const { toEnd } = this;
    if (!toEnd) return;
    const { rows } = await this.options.database.read<AbandonedCommand>(ABANDONED_COMMANDS, [
      this.options.serverId,
      SWEEP_LIMIT,
    ]);
    for (const { id, scope, server, next_order } of rows) {
      const record = toEnd(id.replaceAll('-', ''), next_order);
      const [number] = await this.store.store(scope, server, [record]);
      if (number === undefined) continue;
      this.options.hints.tell(GROWN, scope);
      this.changed(scope);
      this.logger.warn(`bash command ${record.commandId}: the server that ran it has ended`);
    }
  }
}

interface AbandonedCommand {
  id: string;
  scope: string;
  server: string;
  next_order: number;
}
