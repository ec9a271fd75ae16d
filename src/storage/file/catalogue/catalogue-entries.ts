import type { CatalogueEntry } from '../../catalogue.js';

/** The entries of all conversations, kept in order of creation so that listing them sorts nothing. */
export class CatalogueEntries {
  private readonly byId = new Map<string, CatalogueEntry>();
  private sorted: CatalogueEntry[] = [];
  private inOrder = true;
  /** Ids of conversations by the one that they were made for. */
  private readonly children = new Map<string, Set<string>>();

  get(id: string): CatalogueEntry | undefined {
    return this.byId.get(id);
  }

  /** Adds an entry or replaces the one of its id. Only the fields of an entry are kept. */
  set({ id, created_at, updated_at, execution_status, parent_conversation_id: of }: CatalogueEntry): void {
    const known = this.byId.get(id);
    // Older files do not have it.
    const parent_conversation_id = typeof of === 'string' ? of : null;
    const entry = { id, created_at, updated_at, execution_status, parent_conversation_id };
    if (known?.created_at === created_at && known.parent_conversation_id === parent_conversation_id) {
      // Lists that were handed out keep the old object.
      const at = this.inOrder ? this.positionOf(known) : this.sorted.indexOf(known);
      this.sorted[at] = entry;
      this.byId.set(id, entry);
      return;
    }
    if (known) this.delete(id);
    const last = this.sorted.at(-1);
    if (last && byCreation(last, entry) > 0) this.inOrder = false;
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
    this.sorted.splice(this.inOrder ? this.positionOf(known) : this.sorted.indexOf(known), 1);
    if (known.parent_conversation_id === null) return;
    const siblings = this.children.get(known.parent_conversation_id);
    siblings?.delete(id);
    if (siblings?.size === 0) this.children.delete(known.parent_conversation_id);
  }

  /** The ids of the conversations that were made for this one, oldest first. */
  childrenOf(id: string): string[] {
    const entries = [...(this.children.get(id) ?? [])].flatMap((child) => this.byId.get(child) ?? []);
    return entries.sort(byCreation).map((child) => child.id);
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
