import { signal } from '@preact/signals';
import { messageOf } from '../../api/api-error.js';
import type { LiveConversation } from '../live-conversation.js';
import { passes, toItems, type Filter, type StreamItem } from '../stream/stream-items.js';
import { ScrollKeeper } from './scroll-keeper.js';

/** Pages are loaded when less than this is left to scroll (px). */
const NEAR = 900;
/** Pages that are loaded without the person scrolling, when a filter hides most of them. */
const MAX_PAGES_AT_ONCE = 8;
const PAGE_EVENTS = 100;

/** With which filter an event can be seen, and whether events of other branches must be shown. */
interface Sight {
  filter: Filter;
  isOffBranch: boolean;
}

/** The ids of the events of an item. */
export function idsOf(item: StreamItem): string[] {
  if (item.type === 'event') return [item.id];
  return [item.action?.id, item.result?.id].filter((id) => id !== undefined);
}

/** Scrolls a stream: follows its end, loads pages at its edges, shows an event that was asked for. */
export class StreamController {
  /** Whether the person is at the end of what is loaded. */
  readonly isAtEnd = signal(true);
  /** Why the last page could not be loaded. */
  readonly problem = signal<string | null>(null);

  private keeper: ScrollKeeper | undefined;
  private scroller: HTMLElement | undefined;
  private content: HTMLElement | undefined;
  /** The item to scroll to as soon as it is there. */
  private target: string | null = null;
  /** What was scrolled to, until the person scrolls on. */
  private shownTarget: Element | undefined;
  private pages = 0;
  private lastShown = '';
  /** What was the last item and the length of the log when the person left the end. */
  private left = { item: '', total: 0 };

  constructor(
    private readonly conversation: LiveConversation,
    /** The event that was jumped to is no longer in view. */
    private readonly onTargetLeft: () => void,
  ) {}

  /** Begins to work on the elements. @returns the end of it */
  attach(scroller: HTMLElement, content: HTMLElement): () => void {
    this.scroller = scroller;
    this.content = content;
    const { conversation } = this;
    const keeper = new ScrollKeeper({
      scroller,
      content,
      mayFollow: () => conversation.log.atEnd.peek(),
      onFollow: (isFollowing) => {
        conversation.log.following = isFollowing;
        this.left = { item: this.lastShown, total: conversation.total.peek() };
        this.isAtEnd.value = isFollowing;
      },
      onScroll: () => {
        this.pages = 0;
        this.leaveTarget();
        this.fill();
      },
    });
    this.keeper = keeper;
    return () => keeper.stop();
  }

  /** The items were put into the page. */
  shown(items: readonly StreamItem[]): void {
    this.lastShown = items.at(-1)?.id ?? '';
    this.scrollToTarget(items);
    this.fill();
  }

  /**
   * Loads an event and scrolls to it.
   * @returns how it can be seen; undefined if the conversation has no such event
   */
  async jumpTo(id: string, filter: Filter): Promise<Sight | undefined> {
    let sight: Sight | undefined;
    await this.load(async () => {
      if (!(await this.conversation.log.jumpTo(id))) throw new Error('The conversation has no such event.');
      const leaf = this.conversation.info.peek()?.leaf_event_id ?? null;
      const items = toItems(this.conversation.log.events.peek(), leaf);
      const item = items.find((candidate) => idsOf(candidate).includes(id));
      if (item === undefined) return;
      this.target = item.id;
      const seenWith = ([filter, 'all', 'raw'] as const).find((wider) => passes(item, wider)) ?? 'raw';
      sight = { filter: seenWith, isOffBranch: item.isOffBranch };
      this.scrollToTarget(items);
    });
    return sight;
  }

  toEnd(): void {
    this.target = null;
    void this.load(async () => {
      await this.conversation.log.jumpToEnd();
      this.keeper?.toEnd();
    });
  }

  toStart(): void {
    this.target = null;
    void this.load(async () => {
      await this.conversation.log.jumpToStart();
      this.scroller?.scrollTo(0, 0);
    });
  }

  /** Loads earlier events, even if many pages showed nothing. */
  loadMore(): void {
    this.pages = 0;
    this.problem.value = null;
    this.fill();
  }

  /** How many of the items are new since the person left the end. */
  newSince(items: readonly StreamItem[]): number {
    const at = items.findLastIndex(({ id }) => id === this.left.item);
    if (at >= 0 && this.conversation.log.atEnd.value) return items.length - 1 - at;
    return Math.max(0, this.conversation.total.value - this.left.total);
  }

  /** Moves the focus to the next or previous piece. */
  move(step: 1 | -1): void {
    const pieces = [...(this.content?.querySelectorAll<HTMLElement>('[data-event]') ?? [])];
    const current = this.current();
    const at = current === null ? (step === 1 ? -1 : pieces.length) : pieces.indexOf(current);
    const next = pieces[at + step];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: 'nearest' });
  }

  /** The piece that has the focus, or something in it. */
  current(): HTMLElement | null {
    const piece = document.activeElement?.closest('[data-event]');
    return piece instanceof HTMLElement && this.content?.contains(piece) === true ? piece : null;
  }

  private scrollToTarget(items: readonly StreamItem[]): void {
    const item = items.find(({ id }) => id === this.target);
    const element = item && this.content?.querySelector(`[data-event="${CSS.escape(item.id)}"]`);
    if (!(element instanceof HTMLElement)) return;
    this.target = null;
    for (const former of this.content?.querySelectorAll('.event.target') ?? [])
      former.classList.remove('target');
    element.classList.add('target');
    this.shownTarget = element;
    this.keeper?.toElement(element);
    element.focus({ preventScroll: true });
  }

  private leaveTarget(): void {
    const { shownTarget, scroller } = this;
    if (shownTarget === undefined || scroller === undefined) return;
    const view = scroller.getBoundingClientRect();
    const { top, bottom } = shownTarget.getBoundingClientRect();
    if (shownTarget.isConnected && bottom > view.top && top < view.bottom) return;
    this.shownTarget = undefined;
    this.onTargetLeft();
  }

  /** Loads a page at the edge that is near. */
  private fill(): void {
    const { scroller, conversation } = this;
    if (scroller === undefined || this.target !== null || this.problem.peek() !== null) return;
    if (conversation.log.loading.peek() !== null) return;
    const below = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    if (below < NEAR && !conversation.log.atEnd.peek()) void this.load(() => conversation.log.loadNewer());
    else if (
      scroller.scrollTop < NEAR &&
      !conversation.log.atStart.peek() &&
      this.pages < MAX_PAGES_AT_ONCE
    ) {
      void this.load(() => this.loadOlder());
    }
  }

  private async loadOlder(): Promise<void> {
    const before = this.conversation.log.events.peek().length;
    await this.conversation.log.loadOlder();
    // Pages of large events are short.
    const added = this.conversation.log.events.peek().length - before;
    this.pages += Math.max(0.1, added / PAGE_EVENTS);
  }

  private async load(run: () => Promise<unknown>): Promise<void> {
    this.problem.value = null;
    try {
      await run();
    } catch (error) {
      this.problem.value = messageOf(error);
    }
  }
}
