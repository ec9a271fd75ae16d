import { Injectable } from '@nestjs/common';
import { KeyedSerialQueue } from '../../flow/index.js';
import { ConversationsService } from '../conversations.service.js';
import { parseWithYield } from '../journal/parse-event.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import type { ConversationState } from '../state/conversation-state.js';
import { SecretVault } from '../secrets/secret-vault.js';
import { answerFacts } from './answer-facts.js';
import { branchPlaces, type BranchPlace } from './branch-nodes.js';
import { isOnPath } from './branch-segments.js';
import { eventLabel } from './event-label.js';
import { EventTime } from './event-time.js';
import type { Span } from './span.js';
import type { FoldOptions } from './fold-context.js';
import { TimelineIndex, type TimelineLog, type TimelineQuery } from './timeline-index.js';

/** Conversations of which an index is kept: some hundred kilobytes for one with 100,000 events. */
const MAX_INDEXES = 32;
const MAX_BRANCH_PLACES = 500;
/** State updates that stand between two events of the tree are few. */
const ENTRIES_AT_ONCE = 20;

/** A span, and whether it is on the active branch. */
export interface PlacedSpan {
  span: Span;
  active: boolean;
}

/** A page of the timeline. */
export interface TimelinePage {
  spans: PlacedSpan[];
  inProgress: PlacedSpan[];
  next: number | undefined;
  index: TimelineIndex;
}

/** A place in the tree of branches, with what people know it by. Ids are null for the root. */
export interface LabelledPlace extends BranchPlace {
  eventId: string | null;
  parentId: string | null;
  /** Milliseconds since the epoch; NaN for the root. */
  at: number;
  label: string;
  firstEventId: string | null;
  firstLabel: string;
}

/** The tree of branches. */
export interface BranchTree {
  places: LabelledPlace[];
  headId: string | null;
  truncated: boolean;
}

/** What is read together: a log, what was derived from it, and what is not in it. */
interface Reading {
  log: TimelineLog & { readMany(seqs: readonly number[]): Promise<string[]> };
  index: TimelineIndex;
  options: FoldOptions;
  /** Seq of the head; -1 before the first event. */
  head: number;
  headId: string | null;
}

/** What conversations have done with their time: derived from their logs, so it is there for each of them. */
@Injectable()
export class TimelineService {
  /** Least recently used first. */
  private readonly indexes = new Map<string, TimelineIndex>();
  /** A log is read by one request at a time; those after it find what it has derived. */
  private readonly queue = new KeyedSerialQueue();

  constructor(
    private readonly conversations: ConversationsService,
    private readonly registry: ConversationRegistry,
  ) {}

  /** A page of spans from the end backwards. @throws ConversationNotFoundError */
  timeline(id: string, query: TimelineQuery): Promise<TimelinePage> {
    return this.read(id, async ({ log, index, options, head }) => {
      const { spans, next } = await index.page(log, query, options);
      const path = index.tree.pathTo(head);
      const place = (span: Span): PlacedSpan => ({ span, active: isOnPath(path, span.seq) });
      const current = index.inProgress(options).map((span) => ({ span, active: true }));
      return { spans: spans.map(place), inProgress: current, next, index };
    });
  }

  /** Sums, series and files of a whole log. @throws ConversationNotFoundError */
  summary(id: string): Promise<TimelineIndex> {
    return this.read(id, ({ index }) => Promise.resolve(index));
  }

  /** The tree of branches. @throws ConversationNotFoundError */
  branches(id: string): Promise<BranchTree> {
    return this.read(id, async ({ log, index, options, head, headId }) => {
      const { places, truncated } = await branchPlaces(index.tree, head, log, MAX_BRANCH_PLACES);
      const labelled: LabelledPlace[] = [];
      for (const place of places) labelled.push(await labelledPlace({ log, index, options }, place));
      return { places: labelled, headId, truncated };
    });
  }

  private read<T>(id: string, use: (reading: Reading) => Promise<T>): Promise<T> {
    return this.queue.run(id, async () => {
      const state = await this.registry.peek(id).catch(() => undefined);
      return this.conversations.withLog(id, async ({ log, length, head: headId }) => {
        const options = foldOptions(state, this.maskOf(id, state));
        const index = await this.indexFor(id, log, length);
        await index.extend(log, length, options);
        const head = headId === null ? -1 : ((await log.seqOf(headId)) ?? index.tree.lastSeq);
        return use({ log, index, options, head, headId });
      });
    });
  }

  private maskOf(id: string, state: ConversationState | undefined): (text: string) => string {
    const masker = this.registry.opened(id)?.agentRuntime.masker ?? (state && new SecretVault(state));
    return (text) => masker?.mask(text) ?? text;
  }

  private async indexFor(id: string, log: TimelineLog, length: number): Promise<TimelineIndex> {
    const known = this.indexes.get(id);
    const index = known && (await known.continues(log, length)) ? known : new TimelineIndex();
    this.indexes.delete(id);
    this.indexes.set(id, index);
    const [oldest] = this.indexes.keys();
    if (this.indexes.size > MAX_INDEXES && oldest !== undefined) this.indexes.delete(oldest);
    return index;
  }
}

function foldOptions(state: ConversationState | undefined, mask: FoldOptions['mask']): FoldOptions {
  const isFork = state?.forked_from_conversation_id !== null && state !== undefined;
  const concurrency = state?.agent.tool_concurrency_limit;
  return {
    toolConcurrency: typeof concurrency === 'number' && concurrency > 0 ? concurrency : 1,
    copiedUntil: isFork ? Date.parse(state.created_at) : Number.NEGATIVE_INFINITY,
    facts: answerFacts(state?.stats),
    mask,
  };
}

async function labelledPlace(
  { log, index, options: { mask } }: Pick<Reading, 'log' | 'index' | 'options'>,
  place: BranchPlace,
): Promise<LabelledPlace> {
  const first = await firstOfTree(log, index, place);
  return {
    ...place,
    eventId: await idAt(log, place.seq),
    parentId: await idAt(log, place.parent),
    at: place.seq < 0 ? Number.NaN : new EventTime().of((await log.entry(place.seq)).timestamp),
    label: await labelAt(log, place.seq, mask),
    firstEventId: await idAt(log, first),
    firstLabel: await labelAt(log, first, mask),
  };
}

/** Changes of the state stand between the events of the tree. */
async function firstOfTree(log: TimelineLog, index: TimelineIndex, { first }: BranchPlace): Promise<number> {
  if (first < 0) return -1;
  for (let from = first; from < index.length; from += ENTRIES_AT_ONCE) {
    const entries = await log.entries(from, Math.min(ENTRIES_AT_ONCE, index.length - from));
    const found = entries.findIndex(({ kind }) => kind !== 'ConversationStateUpdateEvent');
    if (found !== -1) return from + found;
  }
  return -1;
}

async function idAt(log: TimelineLog, seq: number): Promise<string | null> {
  return seq < 0 ? null : (await log.entry(seq)).id;
}

async function labelAt(log: Reading['log'], seq: number, mask: FoldOptions['mask']): Promise<string> {
  const [line] = seq < 0 ? [] : await log.readMany([seq]);
  return eventLabel(line === undefined ? undefined : await parseWithYield(line), mask);
}
