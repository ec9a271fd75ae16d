import { isBranchEvent } from '../../agent/index.js';
import { ROOT_PARENT, type DurableEvent } from '../../events/index.js';
import type { LogReader } from '../../storage/index.js';
import { parseWithYield } from '../journal/parse-event.js';
import { BranchSegments } from './branch-segments.js';
import { initialState, type FoldState } from './fold-state.js';
import { SPAN_KINDS, type Span, type SpanKind } from './span.js';
import type { FoldOptions, FoldSink } from './fold-context.js';
import { TimelineFold } from './timeline-fold.js';
import { TimelineTotals } from './timeline-totals.js';
import { TouchedFiles } from './touched-files.js';
import { UsageSeries } from './usage-series.js';

const CHUNK_EVENTS = 1_000;
/** What is read of a log at a time. */
const READ_LINES = 200;
const READ_BYTES = 1024 * 1024;
/** Chunks that are derived for one page: a rare kind is not looked for in the whole log at once. */
const MAX_CHUNKS_PER_PAGE = 20;
/** Condensations that are listed. */
const MAX_CONDENSATIONS = 200;

/** The part of a log that is read. */
export type TimelineLog = Pick<LogReader, 'length' | 'readBytes' | 'seqOf' | 'entry' | 'entries'>;

/** Which spans to return, the last first. */
export interface TimelineQuery {
  /** Only spans before this one, counted from the start of the log. */
  before: number | undefined;
  limit: number;
  kind: SpanKind | undefined;
}

/** A page of spans, the last first. */
interface SpanPage {
  spans: Span[];
  /** `before` of the next page; undefined on the last one. */
  next: number | undefined;
}

type Counts = Record<SpanKind, number>;

/** The state of the fold before an event, from which the spans after it can be derived again. */
interface Checkpoint {
  seq: number;
  state: FoldState;
  counts: Counts;
}

/** A condensation in the course of a conversation. */
export interface CondensationMark {
  at: number;
  step: number;
  event_id: string;
  forgotten: number;
}

/**
 * What was derived from a log so far. It keeps sums and checkpoints, not spans, so its size hardly depends on
 * that of the log; the spans of a page are derived again from the checkpoint before them.
 */
export class TimelineIndex {
  readonly totals = new TimelineTotals();
  readonly series = new UsageSeries();
  readonly files = new TouchedFiles();
  readonly tree = new BranchSegments();
  condensations: CondensationMark[] = [];
  /** The time of the first event (ms since the epoch); undefined for an empty log. */
  startedAt: number | undefined;
  private readonly counts: Counts = noCounts();
  private readonly checkpoints: Checkpoint[] = [];
  private state = initialState();
  private position = 0;
  private firstId: string | undefined;
  private lastId: string | undefined;
  /** The last event that belongs to the tree of branches. */
  private lastInTree: { id: string; seq: number } | undefined;

  /** @param chunkEvents events between two checkpoints, which are derived again for a page */
  constructor(private readonly chunkEvents = CHUNK_EVENTS) {}

  /** How many events it has taken. */
  get length(): number {
    return this.position;
  }

  /** The time of the last event (ms since the epoch). */
  get now(): number {
    return this.state.now;
  }

  /** Whether the log continues what was derived: it may be that of another conversation with the same id. */
  async continues(log: TimelineLog, length: number): Promise<boolean> {
    if (this.position === 0) return true;
    if (length < this.position) return false;
    const [first, last] = await Promise.all([log.entry(0), log.entry(this.position - 1)]);
    return first.id === this.firstId && last.id === this.lastId;
  }

  /** Takes the events up to `length`. */
  async extend(log: TimelineLog, length: number, options: FoldOptions): Promise<void> {
    const fold = new TimelineFold(this.state, options, this.sink());
    for await (const { seq, event } of eventsOf(log, this.position, length)) {
      if (seq % this.chunkEvents === 0) this.checkpoint(seq);
      if (event) await this.take(log, seq, event, fold);
      this.position = seq + 1;
    }
    if (this.position === 0) return;
    this.firstId ??= (await log.entry(0)).id;
    this.lastId = (await log.entry(this.position - 1)).id;
  }

  /** What was going on at the last event. */
  inProgress(options: FoldOptions): Span[] {
    return new TimelineFold(this.state, options, NO_SINK).inProgress();
  }

  /** A page of spans that have ended, from the end backwards. */
  async page(log: TimelineLog, query: TimelineQuery, options: FoldOptions): Promise<SpanPage> {
    const { kind, limit } = query;
    const total = countOf(this.counts, kind);
    const end = Math.min(query.before ?? total, total);
    const start = Math.max(0, end - limit);
    const spans: Span[] = [];
    let reached = end;
    let chunks = 0;
    for (let at = this.checkpoints.length - 1; at >= 0 && reached > start; at -= 1) {
      const checkpoint = this.checkpoints[at];
      if (!checkpoint) break;
      const from = countOf(checkpoint.counts, kind);
      if (from >= reached) continue;
      if (chunks >= MAX_CHUNKS_PER_PAGE) break;
      chunks += 1;
      const until = this.checkpoints[at + 1]?.seq ?? this.position;
      const found = await this.derive(log, checkpoint, until, kind, options);
      const low = Math.max(start, from);
      spans.push(...found.slice(low - from, reached - from).reverse());
      reached = low;
    }
    return { spans, next: reached > 0 ? reached : undefined };
  }

  private async derive(
    log: TimelineLog,
    checkpoint: Checkpoint,
    until: number,
    kind: SpanKind | undefined,
    options: FoldOptions,
  ): Promise<Span[]> {
    const spans: Span[] = [];
    const sink: FoldSink = {
      ...NO_SINK,
      span: (span) => {
        if (kind === undefined || span.kind === kind) spans.push(span);
      },
    };
    const fold = new TimelineFold(structuredClone(checkpoint.state), options, sink);
    for await (const { seq, event } of eventsOf(log, checkpoint.seq, until)) if (event) fold.push(seq, event);
    return spans;
  }

  private checkpoint(seq: number): void {
    this.checkpoints.push({ seq, state: structuredClone(this.state), counts: { ...this.counts } });
  }

  private async take(log: TimelineLog, seq: number, event: DurableEvent, fold: TimelineFold): Promise<void> {
    fold.push(seq, event);
    if (this.startedAt === undefined && fold.state.now > 0) this.startedAt = fold.state.now;
    if (!isBranchEvent(event)) return;
    this.tree.add(seq, await this.parentSeq(log, event));
    this.lastInTree = { id: event.id, seq };
  }

  /** The position of the parent; -1 for a root, undefined if there is none. */
  private async parentSeq(
    log: TimelineLog,
    { parent_id: parent }: DurableEvent,
  ): Promise<number | undefined> {
    if (parent === ROOT_PARENT) return -1;
    if (parent === undefined) return undefined;
    // Almost every event follows the last one, and a look into the log may take a round trip.
    return parent === this.lastInTree?.id ? this.lastInTree.seq : log.seqOf(parent);
  }

  private sink(): FoldSink {
    return {
      span: (span) => {
        this.counts[span.kind] += 1;
        this.totals.add(span);
        this.series.add(span);
        if (span.kind === 'condensation' && !span.copied) this.addCondensation(span);
      },
      toolTime: (ms, copied) => {
        if (!copied) this.totals.addToolTime(ms);
      },
      file: (use, eventId, at) => this.files.add(use, eventId, at),
    };
  }

  private addCondensation({ end = 0, step, eventId, forgotten }: Span): void {
    this.condensations.push({ at: end, step, event_id: eventId ?? '', forgotten });
    if (this.condensations.length > MAX_CONDENSATIONS) this.condensations.shift();
  }
}

const NO_SINK: FoldSink = { span: () => undefined, toolTime: () => undefined, file: () => undefined };

function noCounts(): Counts {
  return Object.fromEntries(SPAN_KINDS.map((kind) => [kind, 0])) as Counts;
}

function countOf(counts: Counts, kind: SpanKind | undefined): number {
  if (kind !== undefined) return counts[kind];
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** The events of a part of a log; undefined for lines that cannot be read. */
async function* eventsOf(
  log: TimelineLog,
  from: number,
  to: number,
): AsyncGenerator<{ seq: number; event: DurableEvent | undefined }, void> {
  for (let seq = from; seq < to;) {
    const lines = await log.readBytes(seq, Math.min(READ_LINES, to - seq), READ_BYTES);
    if (lines.length === 0) return;
    for (const line of lines) {
      yield { seq, event: await parseWithYield(line.toString()) };
      seq += 1;
    }
  }
}
