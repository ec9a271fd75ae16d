import type { CatalogueEntry } from '../../storage/index.js';
import { dashedUuid } from '../../text/index.js';

export type ConversationSortOrder = 'CREATED_AT' | 'UPDATED_AT' | 'CREATED_AT_DESC' | 'UPDATED_AT_DESC';

/** Filter, order and page of the list of conversations. */
export interface ConversationQuery {
  /** Id of the first conversation of the page (32 hex digits). Unknown ids select the first page. */
  pageId?: string;
  limit: number;
  status?: string;
  sortOrder: ConversationSortOrder;
  includeSkills: boolean;
}

type PageQuery = Pick<ConversationQuery, 'pageId' | 'limit' | 'status' | 'sortOrder'>;

/**
 * Selects the entries of a page, followed by the first entry of the next page. The conversation that a page
 * id names determines where the page starts even if its status no longer matches.
 * @param entries in order of creation, which also orders entries with the same time of update
 */
export function pageOf(entries: readonly CatalogueEntry[], query: PageQuery): CatalogueEntry[] {
  const first = indexOfId(entries, query.pageId);
  const selected = query.sortOrder.startsWith('UPDATED_AT')
    ? pageByUpdate(entries, first, query)
    : pageByCreation(entries, first, query);
  return selected.flatMap((index) => entries[index] ?? []);
}

/** Returns a filter for a status; undefined matches all entries. */
export function hasStatus(status: string | undefined): (entry: CatalogueEntry | undefined) => boolean {
  return (entry) => status === undefined || entry?.execution_status === status;
}

function indexOfId(entries: readonly CatalogueEntry[], pageId: string | undefined): number | undefined {
  if (pageId === undefined) return undefined;
  const id = dashedUuid(pageId);
  const index = entries.findIndex((entry) => entry.id === id);
  return index < 0 ? undefined : index;
}

function pageByCreation(
  entries: readonly CatalogueEntry[],
  first: number | undefined,
  query: PageQuery,
): number[] {
  const matches = hasStatus(query.status);
  const found: number[] = [];
  for (const index of indexes(entries, query, first)) {
    if (!matches(entries[index])) continue;
    found.push(index);
    if (found.length > query.limit) break;
  }
  return found;
}

/** Does not sort all entries: most are only compared with the last one found. */
function pageByUpdate(
  entries: readonly CatalogueEntry[],
  first: number | undefined,
  query: PageQuery,
): number[] {
  const descending = isDescending(query);
  const isBefore = (one: number, other: number): boolean => {
    const a = entries[one]?.updated_at ?? '';
    const b = entries[other]?.updated_at ?? '';
    if (a === b) return descending ? one > other : one < other;
    return descending ? a > b : a < b;
  };
  const matches = hasStatus(query.status);
  const found: number[] = [];
  // Recently created conversations are usually the recently updated ones, so this order inserts little.
  for (const index of indexes(entries, query)) {
    if (found.length > query.limit && !isBefore(index, found.at(-1) ?? 0)) continue;
    if (first !== undefined && isBefore(index, first)) continue;
    if (!matches(entries[index])) continue;
    let [low, high] = [0, found.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(index, found[middle] ?? 0)) high = middle;
      else low = middle + 1;
    }
    found.splice(low, 0, index);
    if (found.length > query.limit + 1) found.pop();
  }
  return found;
}

function* indexes(entries: readonly CatalogueEntry[], query: PageQuery, first?: number): Generator<number> {
  if (isDescending(query)) for (let at = first ?? entries.length - 1; at >= 0; at -= 1) yield at;
  else for (let at = first ?? 0; at < entries.length; at += 1) yield at;
}

function isDescending({ sortOrder }: PageQuery): boolean {
  return sortOrder.endsWith('_DESC');
}
