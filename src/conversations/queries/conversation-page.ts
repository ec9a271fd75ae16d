import type { CatalogueEntry } from '../../storage/index.js';
import { dashedUuid } from '../../text/index.js';

export type ConversationSortOrder = 'CREATED_AT' | 'UPDATED_AT' | 'CREATED_AT_DESC' | 'UPDATED_AT_DESC';

/** Filters and paging of the list of conversations. */
export interface ConversationQuery {
  /** 32 hex digits of the first conversation of the page; anything else is the first page. */
  pageId?: string;
  limit: number;
  status?: string;
  sortOrder: ConversationSortOrder;
  includeSkills: boolean;
}

type PageQuery = Pick<ConversationQuery, 'pageId' | 'limit' | 'status' | 'sortOrder'>;

/**
 * The entries of a page, and the first one of the next page behind them. A page that begins with a
 * conversation begins at its place also when that has another status by now.
 * @param entries in the order of their creation; those of the same time stay in it
 */
export function pageOf(entries: readonly CatalogueEntry[], asked: PageQuery): CatalogueEntry[] {
  const first = indexOfId(entries, asked.pageId);
  const places = asked.sortOrder.startsWith('UPDATED_AT')
    ? pageByUpdate(entries, first, asked)
    : pageByCreation(entries, first, asked);
  return places.flatMap((place) => entries[place] ?? []);
}

/** Whether an entry has the status that is asked for, if any. */
export function hasStatus(status: string | undefined): (entry: CatalogueEntry | undefined) => boolean {
  return (entry) => status === undefined || entry?.execution_status === status;
}

function indexOfId(entries: readonly CatalogueEntry[], pageId: string | undefined): number | undefined {
  if (pageId === undefined) return undefined;
  const id = dashedUuid(pageId);
  const place = entries.findIndex((entry) => entry.id === id);
  return place < 0 ? undefined : place;
}

function pageByCreation(
  entries: readonly CatalogueEntry[],
  first: number | undefined,
  asked: PageQuery,
): number[] {
  const found: number[] = [];
  for (const place of indexes(entries, asked, first)) {
    if (!hasStatus(asked.status)(entries[place])) continue;
    found.push(place);
    if (found.length > asked.limit) break;
  }
  return found;
}

/** Without putting all of them in order: most are only compared with the last of those that were found. */
function pageByUpdate(
  entries: readonly CatalogueEntry[],
  first: number | undefined,
  asked: PageQuery,
): number[] {
  const descending = isDescending(asked);
  const isBefore = (one: number, other: number): boolean => {
    const a = entries[one]?.updated_at ?? '';
    const b = entries[other]?.updated_at ?? '';
    if (a === b) return descending ? one > other : one < other;
    return descending ? a > b : a < b;
  };
  const isWanted = hasStatus(asked.status);
  const found: number[] = [];
  // What was made lately was changed lately, more often than not.
  for (const place of indexes(entries, asked)) {
    if (found.length > asked.limit && !isBefore(place, found.at(-1) ?? 0)) continue;
    if (first !== undefined && isBefore(place, first)) continue;
    if (!isWanted(entries[place])) continue;
    let [low, high] = [0, found.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(place, found[middle] ?? 0)) high = middle;
      else low = middle + 1;
    }
    found.splice(low, 0, place);
    if (found.length > asked.limit + 1) found.pop();
  }
  return found;
}

function* indexes(entries: readonly CatalogueEntry[], asked: PageQuery, first?: number): Generator<number> {
  if (isDescending(asked)) for (let at = first ?? entries.length - 1; at >= 0; at -= 1) yield at;
  else for (let at = first ?? 0; at < entries.length; at += 1) yield at;
}

function isDescending({ sortOrder }: PageQuery): boolean {
  return sortOrder.endsWith('_DESC');
}
