import path from 'node:path';
import { InvalidRequestError } from '../../../errors/index.js';
import {
  AUDIT_CLASSES,
  AUDIT_SHARES,
  AuditLog,
  auditClassOf,
  type AuditEntry,
  type AuditLogOptions,
  type AuditPage,
  type AuditQuery,
} from '../../audit-log.js';
import { FileAuditLog } from './file-audit-log.js';

/** Between the page ids of the logs; and the id of a log of which all was read. */
const BETWEEN = '~';
const END = 'end';
const NO_PAGE_ID = 'Not the next_page_id of a page';

/** Where a page goes on in one log; undefined: at its newest entry. */
type Place = string | undefined;

/** The part of a page that one log has. */
interface Part {
  log: FileAuditLog;
  place: Place;
  page: AuditPage;
  /** Entries that were taken. */
  taken: number;
}

/** The audit log in files: a folder for each kind of entries, each with its own share of the size. */
export class ClassedAuditLog extends AuditLog {
  private readonly logs: readonly FileAuditLog[];
  /** Entries of an append that failed that are stored already: they are not stored again. */
  private stored = new Set<string>();

  constructor(options: AuditLogOptions) {
    super();
    this.logs = AUDIT_CLASSES.map((name) => {
      // Most entries are where all of them were before they were kept apart.
      const folder = name === 'work' ? options.folder : path.join(options.folder, name);
      const { keepDays, isFlushed } = options;
      const maxBytes = options.maxBytes * AUDIT_SHARES[name];
      return new FileAuditLog({ folder, maxBytes, keepDays, isFlushed });
    });
  }

  async append(entries: readonly AuditEntry[]): Promise<void> {
    for (const [index, log] of this.logs.entries()) {
      const own = entries.filter(
        (entry) => auditClassOf(entry) === AUDIT_CLASSES[index] && !this.stored.has(entry.id),
      );
      if (own.length === 0) continue;
      await log.append(own);
      for (const { id } of own) this.stored.add(id);
    }
    this.stored = new Set();
  }

  async page(query: AuditQuery): Promise<AuditPage> {
    const places = placesOf(query.pageId, this.logs.length);
    const parts = await Promise.all(
      this.logs.map(async (log, index): Promise<Part> => {
        const place = places[index];
        const page =
          place === END ? { items: [], nextPageId: null } : await log.page({ ...query, pageId: place });
        return { log, place, page, taken: 0 };
      }),
    );
    const items = mergeNewest(parts, query.limit);
    const next = await Promise.all(parts.map((part) => nextPlace(part, query)));
    const isOver = next.every((place) => place === END);
    return { items, nextPageId: isOver ? null : next.map((place) => place ?? '').join(BETWEEN) };
  }

  async sweep(): Promise<void> {
    for (const log of this.logs) await log.sweep();
  }

  async close(): Promise<void> {
    for (const log of this.logs) await log.close();
  }
}

/**
 * Takes entries from all parts, the newest first. Ends early where a log has older entries that were not read
 * yet: the next page begins with them.
 */
function mergeNewest(parts: readonly Part[], limit: number): AuditEntry[] {
  const items: AuditEntry[] = [];
  while (items.length < limit) {
    let newest: { part: Part; entry: AuditEntry } | undefined;
    for (const part of parts) {
      const entry = part.page.items[part.taken];
      if (!entry && part.page.nextPageId !== null) return items;
      if (entry && (!newest || entry.time > newest.entry.time)) newest = { part, entry };
    }
    if (!newest) return items;
    newest.part.taken += 1;
    items.push(newest.entry);
  }
  return items;
}

/** Where the next page goes on in a log: behind the last entry that was taken. */
async function nextPlace({ log, place, page, taken }: Part, query: AuditQuery): Promise<Place> {
  if (taken === page.items.length) return page.nextPageId ?? END;
  if (taken === 0) return place;
  return (await log.page({ ...query, pageId: place, limit: taken })).nextPageId ?? END;
}

/** @throws InvalidRequestError for a page id of another kind */
function placesOf(pageId: string | undefined, count: number): Place[] {
  if (pageId === undefined) return [];
  const places = pageId.split(BETWEEN);
  if (places.length !== count) throw new InvalidRequestError(['query', 'page_id'], NO_PAGE_ID, pageId);
  return places.map((place) => (place === '' ? undefined : place));
}
