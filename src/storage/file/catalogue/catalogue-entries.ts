import { catalogueEntry, type CatalogueEntry, type CatalogueQuery } from '../../catalogue.js';
import { OrderedList } from './ordered-list.js';
import { compareByCreation } from './sorted-entries.js';

/**
 * The entries of all conversations. Those that belong to a key are also in a list of that key, so that its
 * pages and counts do not depend on how many others there are.
 */
export class CatalogueEntries {
  private readonly all = new OrderedList();
  private readonly byOwner = new Map<string, OrderedList>();
  /** Ids of child conversations by parent. */
  private readonly children = new Map<string, Set<string>>();

  /**
   * @param ownerOf whose a conversation is that others than this server write, who must not say so; undefined
   *   for all others
   */
  constructor(private readonly ownerOf: (id: string) => string | null | undefined = () => undefined) {}

  get size(): number {
    return this.all.size;
  }

  get(id: string): CatalogueEntry | undefined {
    return this.all.get(id);
  }

  ids(): IterableIterator<string> {
    return this.all.ids();
  }

  /** Adds an entry or replaces the one with its id. Copies only the fields of an entry. */
  set(source: CatalogueEntry): void {
    const entry = this.trusted(catalogueEntry(source));
    const { id, owner_key, parent_conversation_id } = entry;
    const known = this.all.get(id);
    const isKept = known?.owner_key === owner_key && known.parent_conversation_id === parent_conversation_id;
    if (known && !isKept) this.delete(id);
    this.all.set(entry);
    if (owner_key !== null) this.listOf(owner_key).set(entry);
    if (isKept || parent_conversation_id === null) return;
    const siblings = this.children.get(parent_conversation_id) ?? new Set();
    this.children.set(parent_conversation_id, siblings.add(id));
  }

  private trusted(entry: CatalogueEntry): CatalogueEntry {
    const owner_key = this.ownerOf(entry.id);
    return owner_key === undefined ? entry : { ...entry, owner_key, parent_conversation_id: null };
  }

  delete(id: string): void {
    const known = this.all.get(id);
    if (!known) return;
    this.all.delete(id);
    const { owner_key: owner, parent_conversation_id: parent } = known;
    if (owner !== null) {
      const list = this.byOwner.get(owner);
      list?.delete(id);
      if (list?.size === 0) this.byOwner.delete(owner);
    }
    if (parent === null) return;
    const siblings = this.children.get(parent);
    siblings?.delete(id);
    if (siblings?.size === 0) this.children.delete(parent);
  }

  /** The ids of the conversations that this one created, oldest first. */
  childrenOf(id: string): string[] {
    const places = [...(this.children.get(id) ?? [])].flatMap((child) => {
      const entry = this.all.get(child);
      return entry ? [{ entry, placedAt: entry.updated_at }] : [];
    });
    return places.sort(compareByCreation).map(({ entry }) => entry.id);
  }

  /** See `Catalogue.count`. */
  count(status?: string, ownerKey?: string): number {
    const list = ownerKey === undefined ? this.all : this.byOwner.get(ownerKey);
    return list?.count(status) ?? 0;
  }

  /** See `Catalogue.page`. */
  page(query: CatalogueQuery): CatalogueEntry[] {
    const { ownerKey } = query;
    const list = ownerKey === undefined ? this.all : this.byOwner.get(ownerKey);
    return list?.page(query) ?? [];
  }

  private listOf(owner: string): OrderedList {
    const known = this.byOwner.get(owner);
    if (known) return known;
    const list = new OrderedList();
    this.byOwner.set(owner, list);
    return list;
  }
}
