import type { CatalogueCursor } from '../../storage/index.js';

/** Filter and page of summaries. */
export interface SummaryQuery {
  /** The last entry of the page before; undefined: the first page. */
  after?: CatalogueCursor;
  limit: number;
  status?: string;
}

/** A cursor as an opaque text. */
export function formatCursor({ updated_at, created_at, id }: CatalogueCursor): string {
  return Buffer.from(`${updated_at} ${created_at} ${id}`).toString('base64url');
}

/** Reads a cursor; undefined if the text is none. */
export function parseCursor(text: string): CatalogueCursor | undefined {
  if (text.length > MAX_CURSOR) return undefined;
  const parts = CURSOR.exec(Buffer.from(text, 'base64url').toString('latin1'));
  const [, updated_at, created_at, id] = parts ?? [];
  if (updated_at === undefined || created_at === undefined || id === undefined) return undefined;
  return { updated_at, created_at, id };
}

const MAX_CURSOR = 200;
const CURSOR = /^([0-9T:.Z+-]{10,40}) ([0-9T:.Z+-]{10,40}) ([0-9a-f-]{36})$/;
