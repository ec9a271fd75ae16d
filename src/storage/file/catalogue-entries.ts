import type { CatalogueEntry } from '../catalogue.js';

/** The entries of all conversations, kept in order of creation so that listing them sorts nothing. */
export class CatalogueEntries {
  private readonly byId = new Map<string, CatalogueEntry>();
  private sorted: CatalogueEntry[] = [];
  private inOrder = true;

  get(id: string): CatalogueEntry | undefined {
    return this.byId.get(id);
  }

  /** Adds an entry or replaces the one of its id. Only the four fields are kept. */
  set({ id, created_at, updated_at, execution_status }: CatalogueEntry): void {
    const known = this.byId.get(id);
    if (known?.created_at === created_at) {
      // Lists that were handed out keep the old object.
      const at = this.inOrder ? this.positionOf(known) : this.sorted.indexOf(known);
      const entry = { id, created_at, updated_at, execution_status };
      this.sorted[at] = entry;
      this.byId.set(id, entry);
      return;
    }
    if (known) this.delete(id);
    const entry = { id, created_at, updated_at, execution_status };
    const last = this.sorted.at(-1);
    if (last && byCreation(last, entry) > 0) this.inOrder = false;
    this.sorted.push(entry);
    this.byId.set(id, entry);
  }

  delete(id: string): void {
    const known = this.byId.get(id);
    if (!known) return;
    this.byId.delete(id);
    this.sorted.splice(this.inOrder ? this.positionOf(known) : this.sorted.indexOf(known), 1);
  }

  /** All entries, the newest last. */
  list(): readonly CatalogueEntry[] {
    if (!this.inOrder) this.sorted.sort(byCreation);
    this.inOrder = true;
    return this.sorted.slice();
  }

  private positionOf(entry: CatalogueEntry): number {
    let low = 0;
    let high = this.sorted.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      const candidate = this.sorted[middle];
      if (candidate && byCreation(candidate, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function byCreation(a: CatalogueEntry, b: CatalogueEntry): number {
  if (a.created_at !== b.created_at) return a.created_at < b.created_at ? -1 : 1;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}
