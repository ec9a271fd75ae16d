import { asJsonObject, tryParseJson } from '../../../json/index.js';
import {
  addEntry,
  noUsage,
  slotOf,
  TOKEN_KINDS,
  type UsageEntry,
  type UsageTotals,
} from '../../usage-ledger.js';

/** The sums of calls that are equal in all that reports ask for. */
export interface UsageCell extends UsageTotals {
  slot: number;
  conversation: string | null;
  key: string | null;
  model: string;
  provider: string;
  usageId: string;
  tags: Readonly<Record<string, string>>;
}

const SUMS = ['calls', 'errors', 'unpriced', ...TOKEN_KINDS, 'cost', 'latency'] as const;
/** The numbers of a packed cell: the slot, six names, the sums. */
const PACKED = 7 + SUMS.length;

/** Sums of a month, as they are stored: names once, and cells as numbers. */
export interface PackedCells {
  names: (string | null)[];
  cells: number[];
}

/** The sums of a month. */
export class UsageCells {
  private readonly cells = new Map<string, UsageCell>();

  get size(): number {
    return this.cells.size;
  }

  values(): Iterable<UsageCell> {
    return this.cells.values();
  }

  /** Adds one call. */
  add(entry: UsageEntry): void {
    const { conversation_id: conversation, key_id: key, model, provider, usage_id: usageId, tags } = entry;
    const slot = slotOf(Date.parse(entry.time));
    const name = JSON.stringify([slot, conversation, key, model, provider, usageId, tags]);
    const cell = this.cells.get(name) ?? {
      ...{ slot, conversation, key, model, provider, usageId, tags },
      ...noUsage(),
    };
    this.cells.set(name, cell);
    addEntry(cell, entry);
  }

  pack(): PackedCells {
    const names: (string | null)[] = [];
    const numbers = new Map<string | null, number>();
    const numberOf = (name: string | null): number => {
      let number = numbers.get(name);
      if (number === undefined) numbers.set(name, (number = names.push(name) - 1));
      return number;
    };
    const cells = [...this.cells.values()].flatMap((cell) => [
      cell.slot,
      ...[cell.conversation, cell.key, cell.model, cell.provider, cell.usageId].map(numberOf),
      numberOf(JSON.stringify(cell.tags)),
      ...SUMS.map((sum) => cell[sum]),
    ]);
    return { names, cells };
  }

  /** Undefined if it is nothing that `pack` has made. */
  static unpack({ names, cells }: Readonly<Record<string, unknown>>): UsageCells | undefined {
    if (!isNames(names) || !isNumbers(cells) || cells.length % PACKED !== 0) return undefined;
    const result = new UsageCells();
    const tagSets = new Map<number, Readonly<Record<string, string>>>();
    const nameAt = (at: number): string | null => names[cells[at] ?? -1] ?? null;
    for (let at = 0; at < cells.length; at += PACKED) {
      const tagsAt = cells[at + 6] ?? -1;
      const tags = tagSets.get(tagsAt) ?? tagsOf(names[tagsAt] ?? '');
      tagSets.set(tagsAt, tags);
      const cell: UsageCell = {
        ...noUsage(),
        slot: cells[at] ?? 0,
        conversation: nameAt(at + 1),
        key: nameAt(at + 2),
        model: nameAt(at + 3) ?? '',
        provider: nameAt(at + 4) ?? '',
        usageId: nameAt(at + 5) ?? '',
        tags,
      };
      for (const [index, sum] of SUMS.entries()) cell[sum] = cells[at + 7 + index] ?? 0;
      const { slot, conversation, key, model, provider, usageId } = cell;
      result.cells.set(JSON.stringify([slot, conversation, key, model, provider, usageId, tags]), cell);
    }
    return result;
  }
}

function tagsOf(text: string): Readonly<Record<string, string>> {
  const tags = Object.entries(asJsonObject(tryParseJson(text)));
  return Object.fromEntries(tags.map(([name, value]) => [name, String(value)]));
}

function isNames(value: unknown): value is (string | null)[] {
  return Array.isArray(value) && value.every((name) => name === null || typeof name === 'string');
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((number) => typeof number === 'number');
}
