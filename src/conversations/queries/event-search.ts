import type { DurableEvent } from '../../events/index.js';
import type { EventLog } from '../../storage/index.js';
import type { EventFilter, EventQuery } from './event-query.js';
import { parseWithYield } from '../journal/parse-event.js';

/** A page that comes to more than this (bytes) is read and sent in parts. */
const PART_BYTES = 1024 * 1024;

/** Which events are on a page. */
export interface FoundPage {
  /** Sequence numbers, in parts that are read at a time. */
  parts: number[][];
  nextPageId: string | null;
}

/** Lines read at a time when a search has to look into messages. */
const CHUNK_LINES = 200;

/**
 * Searches the events of one log below `length`. Only searches for text look into lines; everything else is
 * answered from the index, and the page itself is read as raw lines.
 */
export class EventSearch {
  constructor(
    private readonly log: EventLog,
    private readonly length: number,
  ) {}

  async page(query: EventQuery): Promise<FoundPage> {
    const found = await this.matches(query, this.start(query), query.limit + 1);
    const next = found[query.limit];
    return {
      parts: this.log.partsOf(found.slice(0, query.limit), PART_BYTES),
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
    const { body, descending } = query;
    const range = { descending, length: this.length };
    if (body === undefined) return this.log.select(query, { ...range, from: start, limit });
    const found: number[] = [];
    const filter = { ...query, kind: query.kind ?? 'MessageEvent' };
    // Only messages have a text to look into.
    if (filter.kind !== 'MessageEvent') return found;
    for (let from = start; found.length < limit;) {
      const candidates = this.log.select(filter, { ...range, from, limit: CHUNK_LINES });
      found.push(...(await this.withText(candidates, body)));
      const last = candidates.at(-1);
      if (last === undefined || candidates.length < CHUNK_LINES) break;
      from = last + (descending ? -1 : 1);
    }
    return found.slice(0, limit);
  }

  private async withText(seqs: readonly number[], text: string): Promise<number[]> {
    const lines = await this.log.readMany(seqs);
    const wanted = text.toLowerCase();
    const found: number[] = [];
    for (const [index, seq] of seqs.entries()) {
      const event = await parseWithYield(lines[index] ?? '');
      if (event && messageText(event).toLowerCase().includes(wanted)) found.push(seq);
    }
    return found;
  }
}

/** What a person reads of a message: text, appended context, reasoning. */
function messageText(event: DurableEvent): string {
  if (event.kind !== 'MessageEvent') return '';
  const blocks = [...event.llm_message.content, ...event.extended_content];
  const texts = blocks.map((block) => (block.type === 'text' ? block.text : ''));
  return [...texts, event.llm_message.reasoning_content ?? ''].join('\n');
}
