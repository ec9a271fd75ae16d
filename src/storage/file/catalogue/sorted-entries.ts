import type { CatalogueEntry } from '../../catalogue.js';

/** The values by which items are ordered. */
export interface SortedPlace {
  entry: Pick<CatalogueEntry, 'id' | 'created_at'>;
  placedAt: string;
}

/** The entry of a conversation in lists. The entry is replaced, the item stays. */
export interface CatalogueItem {
  entry: CatalogueEntry;
  /** The `updated_at` by which the item has its place in the order of updates. */
  placedAt: string;
}

/** Above it, sorting everything takes less time than moving one item after the other. */
const MAX_MOVES = 200;

/** Items in an order. Additions that are in order cost little, others are sorted when somebody asks. */
export class SortedEntries {
  private items: CatalogueItem[] = [];
  private isSorted = true;

  /** @param compare a total order, by values of an item that change only between `remove` and `add` */
  constructor(private readonly compare: (a: SortedPlace, b: SortedPlace) => number) {}

  add(item: CatalogueItem): void {
    const last = this.items.at(-1);
    if (last && this.isSorted && this.compare(last, item) > 0) this.isSorted = false;
    this.items.push(item);
  }

  /** Adds an item at its place at once. */
  insert(item: CatalogueItem): void {
    if (!this.isSorted) this.items.push(item);
    else this.items.splice(this.positionOf(item), 0, item);
  }

  remove(item: CatalogueItem): void {
    const at = this.isSorted ? this.positionOf(item) : this.items.indexOf(item);
    this.items.splice(at, 1);
  }

  /** Moves items to the places of their new values. @param change makes the values of an item the new ones */
  move(items: ReadonlySet<CatalogueItem>, change: (item: CatalogueItem) => void): void {
    if (this.isSorted && items.size <= MAX_MOVES) {
      for (const item of items) this.remove(item);
      for (const item of items) {
        change(item);
        this.insert(item);
      }
    } else if (items.size > 0) {
      for (const item of items) change(item);
      this.isSorted = false;
    }
  }

  /** The items in order. Do not change the array, and do not keep it. */
  sorted(): readonly CatalogueItem[] {
    if (!this.isSorted) this.items.sort(this.compare);
    this.isSorted = true;
    return this.items;
  }

  /** The place of the first item behind a place. */
  positionBehind(place: SortedPlace): number {
    const at = this.positionOf(place);
    const item = this.items[at];
    return item && this.compare(item, place) === 0 ? at + 1 : at;
  }

  /** The place of an item, or where it would be. The items must be in order. */
  positionOf(item: SortedPlace): number {
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const candidate = this.items[middle];
      if (candidate && this.compare(candidate, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** By creation. */
export function compareByCreation({ entry: a }: SortedPlace, { entry: b }: SortedPlace): number {
  if (a.created_at !== b.created_at) return a.created_at < b.created_at ? -1 : 1;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}

/** By update, then by creation. */
export function compareByUpdate(a: SortedPlace, b: SortedPlace): number {
  if (a.placedAt !== b.placedAt) return a.placedAt < b.placedAt ? -1 : 1;
  return compareByCreation(a, b);
}
