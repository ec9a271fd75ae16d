import type { CatalogueEntry } from '../../catalogue.js';

/** The entries of all conversations, kept sorted by creation so that lists need no sorting. */
export class CatalogueEntries {
  private readonly byId = new Map<string, CatalogueEntry>();
  private sorted: CatalogueEntry[] = [];
  private isSorted = true;
  /** Ids of child conversations by parent. */
  private readonly children = new Map<string, Set<string>>();

  get(id: string): CatalogueEntry | undefined {
    return this.byId.get(id);
  }

  /** Adds an entry or replaces the one with its id. Copies only the fields of an entry. */
  set({
    id,
    created_at,
    updated_at,
    execution_status,
    parent_conversation_id: parentId,
  }: CatalogueEntry): void {
    const known = this.byId.get(id);
    // Files of older versions lack it.
    const parent_conversation_id = typeof parentId === 'string' ? parentId : null;
    const entry = { id, created_at, updated_at, execution_status, parent_conversation_id };
    if (known?.created_at === created_at && known.parent_conversation_id === parent_conversation_id) {
      // Lists returned before keep the old object.
      const at = this.isSorted ? this.positionOf(known) : this.sorted.indexOf(known);
      this.sorted[at] = entry;
      this.byId.set(id, entry);
      return;
    }
    if (known) this.delete(id);
    const last = this.sorted.at(-1);
    if (last && compareByCreation(last, entry) > 0) this.isSorted = false;
    this.sorted.push(entry);
    this.byId.set(id, entry);
    if (parent_conversation_id === null) return;
    const siblings = this.children.get(parent_conversation_id) ?? new Set();
    this.children.set(parent_conversation_id, siblings.add(id));
  }

  delete(id: string): void {
    const known = this.byId.get(id);
    if (!known) return;
    this.byId.delete(id);
    this.sorted.splice(this.isSorted ? this.positionOf(known) : this.sorted.indexOf(known), 1);
    if (known.parent_conversation_id === null) return;
    const siblings = this.children.get(known.parent_conversation_id);
    siblings?.delete(id);
    if (siblings?.size === 0) this.children.delete(known.parent_conversation_id);
  }

  /** The ids of the conversations that this one created, oldest first. */
  childrenOf(id: string): string[] {
    const entries = [...(this.children.get(id) ?? [])].flatMap((child) => this.byId.get(child) ?? []);
    return entries.sort(compareByCreation).map((child) => child.id);
  }

  /** All entries, newest last. */
  list(): readonly CatalogueEntry[] {
    if (!this.isSorted) this.sorted.sort(compareByCreation);
    this.isSorted = true;
    return this.sorted.slice();
  }

  private positionOf(entry: CatalogueEntry): number {
    let low = 0;
    let high = this.sorted.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      const candidate = this.sorted[middle];
      if (candidate && compareByCreation(candidate, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function compareByCreation(a: CatalogueEntry, b: CatalogueEntry): number {
  if (a.created_at !== b.created_at) return a.created_at < b.created_at ? -1 : 1;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}
