import { readdir } from 'node:fs/promises';
import { makeFolder, undefinedIfMissing } from '../../../files/index.js';
import { SerialQueue } from '../../../flow/index.js';
import { toStorageError } from '../../storage-errors.js';
import {
  SLOT_MS,
  UsageLedger,
  type UsageEntry,
  type UsageLedgerOptions,
  type UsageQuery,
  type UsageReport,
} from '../../usage-ledger.js';
import { FOLDER_MODE } from '../conversation-folder.js';
import { CellGroups } from './cell-groups.js';
import { WIDTH } from './usage-cells.js';
import { UsageMonth } from './usage-month.js';

const NAME = /^(\d{4}-\d{2})\.jsonl$/;
/** Cells that stay in memory, of the months that were used last; those of two months stay anyway. */
const MAX_CELLS = 200_000;
const MIN_MONTHS = 2;
/** No month of the ledger is later. */
const LAST_MONTH = '9999-12';

/** The ledger as JSON lines by month, in a folder of its own that only its owner can read. */
export class FileUsageLedger extends UsageLedger {
  /** Those that were used last, the newest last. */
  private readonly months = new Map<string, UsageMonth>();
  private readonly turns = new SerialQueue();

  constructor(private readonly options: UsageLedgerOptions) {
    super();
  }

  append(entries: readonly UsageEntry[]): Promise<number> {
    return this.run(async () => {
      const byMonth = new Map<string, UsageEntry[]>();
      for (const entry of entries) {
        const month = entry.time.slice(0, 7);
        byMonth.set(month, [...(byMonth.get(month) ?? []), entry]);
      }
      await makeFolder(this.options.folder, FOLDER_MODE);
      let added = 0;
      for (const [name, ofMonth] of byMonth) added += await (await this.month(name)).append(ofMonth);
      return added;
    });
  }

  report(query: UsageQuery): Promise<UsageReport> {
    return this.run(async () => {
      const groups = new CellGroups(query);
      const first = query.from === undefined ? '' : monthOf(query.from - SLOT_MS);
      const last = query.before === undefined ? LAST_MONTH : monthOf(query.before + SLOT_MS);
      for (const name of await this.names())
        if (name >= first && name <= last) await groups.add(await (await this.month(name)).sums());
      return groups.report();
    });
  }

  newest(upTo = Infinity): Promise<number | undefined> {
    return this.run(async () => {
      const last = upTo === Infinity ? LAST_MONTH : monthOf(upTo);
      for (const name of (await this.names()).reverse()) {
        if (name > last) continue;
        const { numbers } = await (await this.month(name)).sums();
        let newest = -1;
        for (let at = 0; at < numbers.length; at += WIDTH) {
          const slot = numbers[at] ?? 0;
          if (slot > newest && slot * SLOT_MS <= upTo) newest = slot;
        }
        if (newest >= 0) return newest * SLOT_MS;
      }
      return undefined;
    });
  }

  recount(): Promise<void> {
    return this.run(async () => {
      for (const name of await this.names()) await (await this.month(name)).recount();
    });
  }

  async *entries(): AsyncGenerator<UsageEntry[]> {
    for (const name of await this.names()) yield* new UsageMonth(this.options.folder, name).entries();
  }

  close(): Promise<void> {
    return this.run(async () => {
      for (const month of this.months.values()) await month.save();
    });
  }

  private run<T>(task: () => Promise<T>): Promise<T> {
    return this.turns.run(async () => {
      try {
        return await task();
      } catch (error) {
        throw toStorageError(error);
      }
    });
  }

  /** In their order. */
  private async names(): Promise<string[]> {
    const files = (await readdir(this.options.folder).catch(undefinedIfMissing)) ?? [];
    return files.flatMap((file) => NAME.exec(file)?.[1] ?? []).sort();
  }

  private async month(name: string): Promise<UsageMonth> {
    const month = this.months.get(name) ?? new UsageMonth(this.options.folder, name);
    this.months.delete(name);
    this.months.set(name, month);
    let cells = [...this.months.values()].reduce((sum, { size }) => sum + size, 0);
    for (const [oldName, old] of this.months) {
      if (this.months.size <= MIN_MONTHS || cells <= MAX_CELLS) break;
      await old.save();
      cells -= old.size;
      this.months.delete(oldName);
    }
    return month;
  }
}

function monthOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 7);
}
