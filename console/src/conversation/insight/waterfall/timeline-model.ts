import { computed, signal } from '@preact/signals';
import { messageOf } from '../../../api/api-error.js';
import { readTimeline, type Span, type TimelinePage } from '../insight-api.js';

const FIRST_PAGE = 500;
const NEXT_PAGE = 1000;
/** Spans that are kept; a longer conversation is shown from its end. */
const MAX_SPANS = 20_000;

/** A span with its times as numbers (ms since the epoch). */
export interface Bar {
  span: Span;
  from: number;
  /** The present for spans in progress. */
  to: number;
}

/** The loaded part of the timeline of a conversation, from its end backwards. */
export class TimelineModel {
  /** Spans that have ended, the first first. */
  readonly ended = signal<readonly Bar[]>([]);
  readonly open = signal<readonly Bar[]>([]);
  readonly page = signal<TimelinePage | null>(null);
  readonly isLoadingOlder = signal(false);
  readonly problem = signal<string | null>(null);
  private older: string | null = null;
  readonly hasOlder = signal(false);
  readonly isFull = computed(() => this.ended.value.length >= MAX_SPANS);

  constructor(readonly id: string) {}

  /** Reads the end of the timeline and joins it to what is known. @throws ApiError */
  async refresh(): Promise<TimelinePage> {
    const page = await readTimeline(this.id, this.page.peek() === null ? FIRST_PAGE : 200);
    const newest = page.items.toReversed().map(toBar);
    const known = this.ended.peek();
    const [first] = newest;
    const joint = first === undefined ? -1 : known.findLastIndex(({ span }) => span.id === first.span.id);
    if (first === undefined || joint >= 0)
      this.ended.value = [...known.slice(0, Math.max(0, joint)), ...newest];
    else {
      // More came than a page holds since the last time: what is before is loaded again when asked for.
      this.ended.value = newest;
      this.setOlder(page.next_page_id);
    }
    this.open.value = page.in_progress.map(toBar);
    this.page.value = page;
    return page;
  }

  /** Loads the page before the loaded ones. */
  async loadOlder(): Promise<void> {
    if (this.older === null || this.isLoadingOlder.peek() || this.isFull.peek()) return;
    this.isLoadingOlder.value = true;
    try {
      const page = await readTimeline(this.id, NEXT_PAGE, this.older);
      this.ended.value = [...page.items.toReversed().map(toBar), ...this.ended.peek()];
      this.setOlder(page.next_page_id);
      this.problem.value = null;
    } catch (error) {
      this.problem.value = messageOf(error);
    } finally {
      this.isLoadingOlder.value = false;
    }
  }

  private setOlder(next: string | null): void {
    this.older = next;
    this.hasOlder.value = next !== null;
  }
}

function toBar(span: Span): Bar {
  const from = Date.parse(span.started_at);
  const to = span.ended_at === null ? Number.POSITIVE_INFINITY : Date.parse(span.ended_at);
  return { span, from, to };
}
