import type { CatalogueEntry, CatalogueQuery } from '../../catalogue.js';
import {
  compareByCreation,
  compareByUpdate,
  SortedEntries,
  type CatalogueItem,
  type SortedPlace,
} from './sorted-entries.js';

/** Entries in the orders in which they are listed, with their number by status. */
export class OrderedList {
  private readonly byId = new Map<string, CatalogueItem>();
  private readonly byCreation = new SortedEntries(compareByCreation);
  private readonly byUpdate = new SortedEntries(compareByUpdate);
  /** Items that were updated since the order of updates was last used: most change often, lists are rare. */
  private readonly moved = new Set<CatalogueItem>();
  /** How many entries have a status. */
  private readonly counts = new Map<string, number>();

  get size(): number {
    return this.byId.size;
  }

  get(id: string): CatalogueEntry | undefined {
    return this.byId.get(id)?.entry;
  }

  ids(): IterableIterator<string> {
    return this.byId.keys();
  }

  /** Adds an entry, or replaces the one with its id. */
  set(entry: CatalogueEntry): void {
    const known = this.byId.get(entry.id);
    if (known?.entry.created_at === entry.created_at) {
      this.countStatus(known.entry.execution_status, -1);
      this.countStatus(entry.execution_status, 1);
      known.entry = entry;
      if (known.placedAt !== entry.updated_at) this.moved.add(known);
      return;
    }
    if (known) this.delete(entry.id);
    const item = { entry, placedAt: entry.updated_at };
    this.byId.set(entry.id, item);
    this.byCreation.add(item);
    this.byUpdate.add(item);
    this.countStatus(entry.execution_status, 1);
  }

  delete(id: string): void {
    const known = this.byId.get(id);
    if (!known) return;
    this.byId.delete(id);
    this.moved.delete(known);
    this.byCreation.remove(known);
    this.byUpdate.remove(known);
    this.countStatus(known.entry.execution_status, -1);
  }

  /** How many entries there are, or how many have a status. */
  count(status?: string): number {
    return status === undefined ? this.byId.size : (this.counts.get(status) ?? 0);
  }

  /** See `Catalogue.page`. */
  page({ from, after, limit, status, order }: CatalogueQuery): CatalogueEntry[] {
    const { sorted, positionOf, positionBehind } = this.inOrder(order.startsWith('UPDATED_AT'));
    const step = order.endsWith('_DESC') ? -1 : 1;
    // With a status, those that have it are soon all found.
    const most = Math.min(limit, this.count(status));
    const found: CatalogueEntry[] = [];
    const firstIndex = (): number => {
      if (after) {
        const place = { entry: after, placedAt: after.updated_at };
        return step < 0 ? positionOf(place) - 1 : positionBehind(place);
      }
      const start = from === undefined ? undefined : this.byId.get(from);
      if (start) return positionOf(start);
      return step > 0 ? 0 : sorted.length - 1;
    };
    for (let at = firstIndex(); found.length < most && at >= 0 && at < sorted.length; at += step) {
      const entry = sorted[at]?.entry;
      if (entry && (status === undefined || entry.execution_status === status)) found.push(entry);
    }
    return found;
  }

  private inOrder(ofUpdates: boolean) {
    const index = ofUpdates ? this.byUpdate : this.byCreation;
    if (ofUpdates) {
      index.move(this.moved, (item) => {
        item.placedAt = item.entry.updated_at;
      });
      this.moved.clear();
    }
    return {
      sorted: index.sorted(),
      positionOf: (place: SortedPlace) => index.positionOf(place),
      positionBehind: (place: SortedPlace) => index.positionBehind(place),
    };
  }

  private countStatus(status: string, change: 1 | -1): void {
    const count = (this.counts.get(status) ?? 0) + change;
    if (count === 0) this.counts.delete(status);
    else this.counts.set(status, count);
  }
}
