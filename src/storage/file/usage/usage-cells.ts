import { slotOf, TOKEN_KINDS, type UsageEntry } from '../../usage-ledger.js';

/** The sums of a cell, in their order. */
export const SUMS = ['calls', 'errors', 'unpriced', ...TOKEN_KINDS, 'cost', 'latency'] as const;

/** Where the numbers of a cell are: the slot, the numbers of its names, the sums. */
export const AT = {
  slot: 0,
  conversation: 1,
  key: 2,
  model: 3,
  provider: 4,
  usageId: 5,
  tags: 6,
  sums: 7,
} as const;
/** The numbers of a cell. */
export const WIDTH = AT.sums + SUMS.length;

/** Sums of a month as they are stored. */
export interface PackedCells {
  names: (string | null)[];
  cells: number[];
}

/**
 * The sums of a month: a cell for calls that are equal in all that reports ask for. All cells are one array
 * of numbers, because a month may have a hundred thousand, and a report adds up those of many months.
 */
export class UsageCells {
  /** Tags are a name, too: as JSON. */
  readonly names: (string | null)[];
  readonly numbers: number[];
  private nameNumbers: Map<string | null, number> | undefined;
  /** Where each cell begins, by its slot and its names; absent until something is added. */
  private places: Map<string, number> | undefined;

  constructor({ names, cells }: PackedCells = { names: [], cells: [] }) {
    this.names = names;
    this.numbers = cells;
  }

  /** How many there are. */
  get size(): number {
    return this.numbers.length / WIDTH;
  }

  /** Adds one call. */
  add(entry: UsageEntry): void {
    const at = this.placeOf([
      slotOf(Date.parse(entry.time)),
      this.nameNumber(entry.conversation_id),
      this.nameNumber(entry.key_id),
      this.nameNumber(entry.model),
      this.nameNumber(entry.provider),
      this.nameNumber(entry.usage_id),
      this.nameNumber(JSON.stringify(entry.tags)),
    ]);
    const { error, cost, latency } = entry;
    const more = [
      1,
      error === null ? 0 : 1,
      error === null && cost === null ? 1 : 0,
      ...TOKEN_KINDS.map((kind) => entry[kind]),
      cost ?? 0,
      latency ?? 0,
    ];
    for (const [index, value] of more.entries())
      this.numbers[at + AT.sums + index] = (this.numbers[at + AT.sums + index] ?? 0) + value;
  }

  pack(): PackedCells {
    return { names: this.names, cells: this.numbers };
  }

  /** Undefined if it is nothing that `pack` has made. */
  static unpack({ names, cells }: Readonly<Record<string, unknown>>): UsageCells | undefined {
    const isOurs = isNames(names) && isNumbers(cells) && cells.length % WIDTH === 0;
    return isOurs ? new UsageCells({ names, cells }) : undefined;
  }

  private nameNumber(name: string | null): number {
    this.nameNumbers ??= new Map(this.names.map((known, index) => [known, index]));
    const known = this.nameNumbers.get(name);
    if (known !== undefined) return known;
    const number = this.names.push(name) - 1;
    this.nameNumbers.set(name, number);
    return number;
  }

  private placeOf(cell: readonly number[]): number {
    this.places ??= this.findPlaces();
    const name = cell.join();
    const known = this.places.get(name);
    if (known !== undefined) return known;
    const at = this.numbers.length;
    this.numbers.push(...cell, ...SUMS.map(() => 0));
    this.places.set(name, at);
    return at;
  }

  private findPlaces(): Map<string, number> {
    const places = new Map<string, number>();
    for (let at = 0; at < this.numbers.length; at += WIDTH)
      places.set(this.numbers.slice(at, at + AT.sums).join(), at);
    return places;
  }
}

function isNames(value: unknown): value is (string | null)[] {
  return Array.isArray(value) && value.every((name) => name === null || typeof name === 'string');
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((number) => typeof number === 'number');
}
