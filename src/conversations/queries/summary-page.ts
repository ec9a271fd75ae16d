import type { CatalogueEntry } from '../../storage/index.js';
import { hasStatus } from './conversation-page.js';

/** A position between two entries, from the latest update to the oldest. */
export interface SummaryCursor {
  updatedAt: string;
  id: string;
}

/** Filter and page of summaries. */
export interface SummaryQuery {
  /** The last entry of the page before; undefined: the first page. */
  after?: SummaryCursor;
  limit: number;
  status?: string;
}

/**
 * Selects the entries of a page, latest update first, followed by the first entry of the next page. The page
 * begins after a time and not at a conversation: one that is updated while a client reads the pages moves to
 * their beginning, and must not take the client with it.
 */
export function summaryPage(entries: readonly CatalogueEntry[], query: SummaryQuery): CatalogueEntry[] {
  const { after, limit, status } = query;
  const matches = hasStatus(status);
  return entries
    .filter((entry) => matches(entry) && (after === undefined || isAfter(entry, after)))
    .sort(latestFirst)
    .slice(0, limit + 1);
}

/** A cursor as an opaque text. */
export function formatCursor({ updated_at, id }: CatalogueEntry): string {
  return Buffer.from(`${updated_at} ${id}`).toString('base64url');
}

/** Reads a cursor; undefined if the text is none. */
export function parseCursor(text: string): SummaryCursor | undefined {
  if (text.length > MAX_CURSOR) return undefined;
  const [, updatedAt, id] = CURSOR.exec(Buffer.from(text, 'base64url').toString('latin1')) ?? [];
  return updatedAt === undefined || id === undefined ? undefined : { updatedAt, id };
}

const MAX_CURSOR = 200;
const CURSOR = /^([0-9T:.Z+-]{10,40}) ([0-9a-f-]{36})$/;

function latestFirst(a: CatalogueEntry, b: CatalogueEntry): number {
  if (a.updated_at !== b.updated_at) return a.updated_at < b.updated_at ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}

function isAfter(entry: CatalogueEntry, { updatedAt, id }: SummaryCursor): boolean {
  return entry.updated_at < updatedAt || (entry.updated_at === updatedAt && entry.id < id);
}
