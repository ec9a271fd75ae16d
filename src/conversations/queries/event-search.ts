import type { DurableEvent } from '../../events/index.js';
import { turnForLine } from '../../flow/index.js';
import type { LogReader } from '../../storage/index.js';
import type { EventFilter, EventQuery } from './event-query.js';
import { tracedRead } from '../tracing/storage-spans.js';
import { parseEvent } from '../journal/parse-event.js';

/** Larger pages (bytes) are read and sent in parts, and searched in parts. */
const PART_BYTES = 1024 * 1024;

/** The events of a page. */
interface FoundPage {
  /** Sequence numbers, grouped into parts that are read at once. */
  parts: number[][];
  nextPageId: string | null;
}

/** Candidates that a text search takes from the index at once; it reads them in parts of `PART_BYTES`. */
const CHUNK_LINES = 1000;

/**
 * Printable ASCII without `"`, `/` and `\`: such a text stands in a line as it is, unless the line has
 * escapes with `\u`. This server writes those for control characters only, but others may write letters so.
 */
const PLAIN_TEXT = /^[ !#-.0-[\]-~]*$/;
const UNICODE_ESCAPE = '\\u';

/**
 * Searches the first `length` events of a log. Only text searches read lines; all other filters use the
 * index.
 */
export class EventSearch {
  constructor(
    private readonly log: LogReader,
    private readonly length: number,
  ) {}

  page(query: EventQuery): Promise<FoundPage> {
    return tracedRead('search_events', () => this.find(query));
  }

  private async find(query: EventQuery): Promise<FoundPage> {
    const found = await this.matches(query, await this.start(query), query.limit + 1);
    const next = found[query.limit];
    return {
      parts: await this.log.splitByBytes(found.slice(0, query.limit), PART_BYTES),
      nextPageId: next === undefined ? null : (await this.log.entry(next)).id,
    };
  }

  async count(filter: EventFilter): Promise<number> {
    if (Object.values(filter).every((value) => value === undefined)) return this.length;
    if (filter.body === undefined) return this.log.count(filter, this.length);
    const all = await this.matches({ ...filter, descending: false }, 0, this.length);
    return all.length;
  }

  /** Raw lines in the order of the ids; null for unknown ids. */
  async lines(eventIds: readonly string[]): Promise<(string | null)[]> {
    const found = await this.log.seqsOf(eventIds);
    const seqs = found.map((seq) => (seq !== undefined && seq < this.length ? seq : undefined));
    const known = seqs.filter((seq) => seq !== undefined);
    const lines = await this.log.readMany(known);
    const bySeq = new Map(known.map((seq, index) => [seq, lines[index] ?? null]));
    return seqs.map((seq) => (seq === undefined ? null : (bySeq.get(seq) ?? null)));
  }

  /**
   * The first event of a page: the one that the page id names, or else the first of the log in this order.
   */
  private async start(query: EventQuery): Promise<number> {
    const first = query.descending ? this.length - 1 : 0;
    const seq = query.pageId === undefined ? undefined : await this.log.seqOf(query.pageId);
    return seq !== undefined && seq < this.length ? seq : first;
  }

  private async matches(
    query: EventFilter & { descending: boolean },
    start: number,
    limit: number,
  ): Promise<number[]> {
    const { body, descending } = query;
    const range = { descending, length: this.length };
    if (body === undefined) return this.log.select(query, { ...range, from: start, limit });
    const found: number[] = [];
    const filter = { ...query, kind: query.kind ?? 'MessageEvent' };
    // Only messages have searchable text.
    if (filter.kind !== 'MessageEvent') return found;
    for (let from = start; found.length < limit;) {
      const candidates = await this.log.select(filter, { ...range, from, limit: CHUNK_LINES });
      for (const part of await this.log.splitByBytes(candidates, PART_BYTES)) {
        if (found.length < limit) found.push(...(await this.withText(part, body, limit - found.length)));
      }
      const last = candidates.at(-1);
      if (last === undefined || candidates.length < CHUNK_LINES) break;
      from = last + (descending ? -1 : 1);
    }
    return found;
  }

  /** The first events that contain the text, at most `limit`. */
  private async withText(seqs: readonly number[], text: string, limit: number): Promise<number[]> {
    const lines = await this.log.readMany(seqs);
    const pattern = text.toLowerCase();
    const isPlain = PLAIN_TEXT.test(pattern);
    const found: number[] = [];
    for (const [index, seq] of seqs.entries()) {
      const turn = turnForLine();
      if (turn) await turn;
      const line = lines[index] ?? '';
      // Most lines do not contain the text, and parsing them takes most of a search.
      if (isPlain && !line.toLowerCase().includes(pattern) && !line.includes(UNICODE_ESCAPE)) continue;
      const event = parseEvent(line);
      if (event && messageText(event).toLowerCase().includes(pattern)) found.push(seq);
      if (found.length === limit) break;
    }
    return found;
  }
}

/** The searchable text of a message: content, appended context and reasoning. */
function messageText(event: DurableEvent): string {
  if (event.kind !== 'MessageEvent') return '';
  const blocks = [...event.llm_message.content, ...event.extended_content];
  const texts = blocks.map((block) => (block.type === 'text' ? block.text : ''));
  const { reasoning_content: reasoning } = event.llm_message;
  return (reasoning ? [...texts, reasoning] : texts).join('\n');
}
