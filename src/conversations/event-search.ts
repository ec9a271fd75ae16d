import type { EventIndexEntry, EventLog } from '../storage/index.js';
import type { EventFilter, EventQuery } from './event-query.js';
import type { JsonPage } from './json-page.js';
import { parseEvent } from './parse-event.js';

/** Lines read at a time when a search has to look into messages. */
const CHUNK = 200;

/**
 * Searches the events of one log below `length`. Only searches for text look into lines; everything else is answered
 * from the index, and the page itself is read as raw lines.
 */
export class EventSearch {
  constructor(
    private readonly log: EventLog,
    private readonly length: number,
  ) {}

  /** The items are the raw lines. */
  async page(query: EventQuery): Promise<JsonPage> {
    const found = await this.matches(query, this.start(query), query.limit + 1);
    const next = found[query.limit];
    return {
      items: await this.log.readItems(found.slice(0, query.limit)),
      nextPageId: next === undefined ? null : this.log.entry(next).id,
    };
  }

  async count(filter: EventFilter): Promise<number> {
    if (Object.values(filter).every((value) => value === undefined)) return this.length;
    const all = await this.matches({ ...filter, descending: false }, 0, this.length);
    return all.length;
  }

  /** Raw lines in the order asked; null for unknown ids. */
  async lines(eventIds: readonly string[]): Promise<(string | null)[]> {
    const seqs = eventIds
      .map((id) => this.log.seqOf(id))
      .map((seq) => (seq !== undefined && seq < this.length ? seq : undefined));
    const known = seqs.filter((seq) => seq !== undefined);
    const lines = await this.log.readMany(known);
    const bySeq = new Map(known.map((seq, index) => [seq, lines[index] ?? null]));
    return seqs.map((seq) => (seq === undefined ? null : (bySeq.get(seq) ?? null)));
  }

  /** Where a page begins: at the event that its id names, else at the first one. */
  private start(query: EventQuery): number {
    const first = query.descending ? this.length - 1 : 0;
    const seq = query.pageId === undefined ? undefined : this.log.seqOf(query.pageId);
    return seq !== undefined && seq < this.length ? seq : first;
  }

  private async matches(
    query: EventFilter & { descending: boolean },
    start: number,
    limit: number,
  ): Promise<number[]> {
    const step = query.descending ? -1 : 1;
    const found: number[] = [];
    let candidates: number[] = [];
    for (let seq = start; seq >= 0 && seq < this.length && found.length < limit; seq += step) {
      if (!matchesEntry(this.log.entry(seq), query)) continue;
      if (query.body === undefined) {
        found.push(seq);
        continue;
      }
      candidates.push(seq);
      if (candidates.length < CHUNK) continue;
      found.push(...(await this.withText(candidates, query.body)));
      candidates = [];
    }
    if (query.body !== undefined && candidates.length > 0 && found.length < limit) {
      found.push(...(await this.withText(candidates, query.body)));
    }
    return found.slice(0, limit);
  }

  private async withText(seqs: readonly number[], text: string): Promise<number[]> {
    const lines = await this.log.readMany(seqs);
    const wanted = text.toLowerCase();
    return seqs.filter((_seq, index) =>
      messageText(lines[index] ?? '')
        .toLowerCase()
        .includes(wanted),
    );
  }
}

function matchesEntry(entry: EventIndexEntry, filter: EventFilter): boolean {
  // Clients may name a kind by its Python path: the class name is its last part.
  if (filter.kind !== undefined && entry.kind !== filter.kind.split('.').at(-1)) return false;
  if (filter.source !== undefined && entry.source !== filter.source) return false;
  if (filter.timestampGte !== undefined && entry.timestamp < filter.timestampGte) return false;
  if (filter.timestampLt !== undefined && entry.timestamp >= filter.timestampLt) return false;
  return filter.body === undefined || entry.kind === 'MessageEvent';
}

/** What a person reads of a message: text, appended context, reasoning. */
function messageText(line: string): string {
  const event = parseEvent(line);
  if (event?.kind !== 'MessageEvent') return '';
  const blocks = [...event.llm_message.content, ...event.extended_content];
  const texts = blocks.map((block) => (block.type === 'text' ? block.text : ''));
  return [...texts, event.llm_message.reasoning_content ?? ''].join('\n');
}
