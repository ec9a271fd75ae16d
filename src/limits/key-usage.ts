import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { errorMessage } from '../errors/index.js';
import { settlesWithin } from '../flow/index.js';
import { asJsonObject, type JsonObject } from '../json/index.js';
import { type DocumentWriter, Documents } from '../storage/index.js';
import { dayOf, daysBefore } from './day.js';

/** What a key has used on one day. */
interface DayUsage {
  /** Conversations that it has created. */
  conversations: number;
}

const FOLDER = 'key-usage';
/** How long the documents of earlier days are kept. */
const KEEP_DAYS = 31;
/** Usage is gathered for this time before it is stored (ms). */
const GATHER_MS = 200;
/** Between two attempts to store (ms). */
const RETRY_MS = 5_000;
/** What other servers have stored is read again after this time, if it is asked for (ms). */
const FRESH_MS = 2_000;
/** Time for the last usage at the end of the server (ms). */
const LAST_WRITE_MS = 2_000;

/**
 * What keys use a day, apart from what models cost (`Spending`), by a document a day, to which all servers
 * add. It is stored within a moment: what was used in the last one before a crash is lost.
 */
@Injectable()
export class KeyUsage implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Limits');
  private day = '';
  /** Of all servers, as they were last read. */
  private stored = new Map<string, DayUsage>();
  private readAt = -Infinity;
  private reading: Promise<void> | undefined;
  /** Of this server and not stored yet, by day. */
  private unsaved: UsageByDay = new Map();
  /** What is being stored. */
  private storing: UsageByDay = new Map();
  private saving: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isFailing = false;

  constructor(private readonly documents: Documents) {}

  /** Before the first run: a restart does not make a key solvent. */
  async onApplicationBootstrap(): Promise<void> {
    await this.refreshed();
  }

  /** What a key has used today, as far as it is known. Looks for the usage of other servers meanwhile. */
  today(keyId: string): DayUsage {
    const day = this.turnToday();
    if (performance.now() - this.readAt > FRESH_MS) void this.refresh();
    const unsaved = sum(this.storing.get(day)?.get(keyId), this.unsaved.get(day)?.get(keyId));
    return sum(this.stored.get(keyId), unsaved);
  }

  /** Resolves when `today` contains what other servers have stored up to a moment ago. */
  async refreshed(): Promise<void> {
    this.turnToday();
    if (performance.now() - this.readAt > FRESH_MS) await this.refresh();
  }

  /** Adds to the usage of a key; a negative number takes something back. Never throws. */
  add(keyId: string, used: Partial<DayUsage>): void {
    this.keep(this.turnToday(), keyId, { conversations: 0, ...used });
    this.saveSoon(GATHER_MS);
  }

  /** Stores the rest. */
  async onApplicationShutdown(): Promise<void> {
    await settlesWithin(this.save(), LAST_WRITE_MS);
    clearTimeout(this.timer);
  }

  private turnToday(): string {
    const day = dayOf(Date.now());
    if (day === this.day) return day;
    this.day = day;
    this.stored = new Map();
    this.readAt = -Infinity;
    return day;
  }

  private refresh(): Promise<void> {
    this.reading ??= this.read().finally(() => (this.reading = undefined));
    return this.reading;
  }

  private async read(): Promise<void> {
    const { day } = this;
    try {
      // What is being stored counts once.
      await this.saving;
      const usage = usageIn(await this.documents.read(nameOf(day)));
      if (day === this.day && !this.saving) this.stored = usage;
    } catch (error) {
      this.logger.warn(`the usage of keys cannot be read: ${errorMessage(error)}`);
    }
    // Also after a failure: it is not read again for each request.
    if (day === this.day) this.readAt = performance.now();
  }

  private saveSoon(ms: number): void {
    if (this.saving) return;
    this.timer ??= setTimeout(() => void this.save(), ms).unref();
  }

  private save(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.saving ??= this.saveAll().finally(() => {
      this.saving = undefined;
      if (this.unsaved.size > 0) this.saveSoon(this.isFailing ? RETRY_MS : GATHER_MS);
    });
    return this.saving;
  }

  private async saveAll(): Promise<void> {
    this.storing = this.unsaved;
    this.unsaved = new Map();
    for (const [day, used] of [...this.storing]) {
      try {
        const usage = await this.documents.change((writer) => this.store(writer, day, used));
        if (day === this.day) {
          this.stored = usage;
          this.readAt = performance.now();
        }
        this.isFailing = false;
      } catch (error) {
        if (!this.isFailing) this.logger.error(`the usage of keys cannot be stored: ${errorMessage(error)}`);
        this.isFailing = true;
        for (const [keyId, usage] of used) this.keep(day, keyId, usage);
      }
      this.storing.delete(day);
    }
  }

  private keep(day: string, keyId: string, used: DayUsage): void {
    const ofDay = this.unsaved.get(day) ?? new Map<string, DayUsage>();
    this.unsaved.set(day, ofDay);
    ofDay.set(keyId, sum(ofDay.get(keyId), used));
  }

  private async store(
    writer: DocumentWriter,
    day: string,
    used: ReadonlyMap<string, DayUsage>,
  ): Promise<Map<string, DayUsage>> {
    const found = await this.documents.read(nameOf(day));
    const usage = usageIn(found);
    for (const [keyId, more] of used) usage.set(keyId, sum(usage.get(keyId), more));
    await writer.write(nameOf(day), { keys: Object.fromEntries(usage) });
    if (found === undefined) await this.removeOld(writer);
    return usage;
  }

  private async removeOld(writer: DocumentWriter): Promise<void> {
    const oldest = daysBefore(Date.now(), KEEP_DAYS);
    for (const day of await this.documents.names(FOLDER)) if (day < oldest) await writer.remove(nameOf(day));
  }
}

/** The usage of keys by day. */
type UsageByDay = Map<string, Map<string, DayUsage>>;

function nameOf(day: string): string {
  return `${FOLDER}/${day}.json`;
}

function usageIn(document: JsonObject | undefined): Map<string, DayUsage> {
  const keys = Object.entries(asJsonObject(document?.['keys']));
  return new Map(keys.map(([keyId, value]) => [keyId, toUsage(asJsonObject(value))]));
}

function toUsage({ conversations }: JsonObject): DayUsage {
  return { conversations: numberOr0(conversations) };
}

function numberOr0(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function sum(a: DayUsage | undefined, b: DayUsage | undefined): DayUsage {
  return { conversations: (a?.conversations ?? 0) + (b?.conversations ?? 0) };
}
