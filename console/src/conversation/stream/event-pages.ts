import { ApiError, isRecord } from '../../api/api-error.js';
import { call, api, fetchPath } from '../../api/client.js';
import { toEvent, type WireEvent } from './wire-event.js';

/** Most events of a page, as the API allows. */
const PAGE_EVENTS = 100;
/** Longer answers are asked for again with fewer events: parsing them would hold up the page. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** Numbers of events to ask for instead, one after the other, until an answer is short enough. */
const SMALLER = [8, 2, 1];
/** What is kept of the beginning and the end of an answer that is too long. */
const EDGE_BYTES = 64 * 1024;

/** The kind of the placeholder for an event that is too large for the page. */
export const TOO_LARGE = 'TooLargeToShow';

/** A part of the log. */
export interface EventPage {
  events: WireEvent[];
  /** The event with which the next page begins; null: there is none. */
  next: string | null;
}

/** Which part of the log. */
export interface PageQuery {
  /** The first event of the page; absent: the first or the last of the log. */
  from?: string;
  /** Leaves the event `from` out. */
  isAfter?: boolean;
  newestFirst: boolean;
  kind?: string;
  body?: string;
  limit?: number;
}

/**
 * A page of the events of a conversation, in the order asked for. An event too large for the page is replaced
 * by a placeholder.
 * @throws ApiError if the request failed
 */
export async function readPage(id: string, query: PageQuery): Promise<EventPage> {
  const wanted = query.limit ?? PAGE_EVENTS;
  for (const limit of [wanted, ...SMALLER.filter((smaller) => smaller < wanted)]) {
    const answer = await readBounded(`api/conversations/${id}/events/search?${parametersOf(query, limit)}`);
    if (!answer.isWhole && limit > 1) continue;
    const page = answer.isWhole ? parsePage(answer.text) : placeholderPage(answer);
    if (query.isAfter !== true) return page;
    const events = page.events.filter((event) => event.id !== query.from);
    if (events.length > 0 || page.next === null) return { ...page, events };
    // The page had but the event to leave out.
    return readPage(id, { ...query, from: page.next, isAfter: false, limit: 1 });
  }
  throw new ApiError(0, 'The events could not be read.');
}

/** The number of events of a conversation. @throws ApiError if the request failed */
export function countEvents(id: string): Promise<number> {
  return call(
    api.GET('/api/conversations/{conversation_id}/events/count', {
      params: { path: { conversation_id: id } },
    }),
  );
}

function parametersOf({ from, newestFirst, kind, body }: PageQuery, limit: number): URLSearchParams {
  const parameters = new URLSearchParams({ limit: String(limit) });
  if (newestFirst) parameters.set('sort_order', 'TIMESTAMP_DESC');
  if (from !== undefined) parameters.set('page_id', from);
  if (kind !== undefined) parameters.set('kind', kind);
  if (body !== undefined) parameters.set('body', body);
  return parameters;
}

interface BoundedAnswer {
  isWhole: boolean;
  /** All of it, or its beginning. */
  text: string;
  end: string;
  bytes: number;
}

/** Reads an answer to its end, but keeps only the edges of a long one. */
async function readBounded(path: string): Promise<BoundedAnswer> {
  const response = await fetchPath(path);
  const reader = response.body?.getReader();
  let chunks: Uint8Array[] = [];
  let last: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const value = (await reader?.read())?.value;
    if (value === undefined) break;
    bytes += value.length;
    if (bytes <= MAX_ANSWER_BYTES) chunks.push(value);
    else {
      if (chunks.length > 0) chunks = [joined(chunks).slice(0, EDGE_BYTES)];
      last = [joined([...last, value]).slice(-EDGE_BYTES)];
    }
  }
  const decoder = new TextDecoder();
  const text = decoder.decode(joined(chunks));
  return { isWhole: bytes <= MAX_ANSWER_BYTES, text, end: decoder.decode(joined(last)), bytes };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

function parsePage(text: string): EventPage {
  const page: unknown = JSON.parse(text);
  const items = isRecord(page) && Array.isArray(page['items']) ? page['items'] : [];
  const next = isRecord(page) ? page['next_page_id'] : null;
  return {
    events: items.map(toEvent).filter((event) => event !== undefined),
    next: typeof next === 'string' ? next : null,
  };
}

/** Ids and times stand at the beginning of an event, the next page at the end of an answer. */
function placeholderPage({ text, end, bytes }: BoundedAnswer): EventPage {
  const found = (field: string): string => new RegExp(`"${field}":"([^"\\\\]{1,100})"`).exec(text)?.[1] ?? '';
  const event: WireEvent = {
    id: found('id'),
    kind: TOO_LARGE,
    source: found('source'),
    timestamp: found('timestamp'),
    bytes,
  };
  return { events: [event], next: /"next_page_id":"([^"]+)"\}\s*$/.exec(end)?.[1] ?? null };
}
