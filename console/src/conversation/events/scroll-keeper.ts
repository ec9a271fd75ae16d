/** Closer to the end than this (px), new content scrolls into view. */
const END_DISTANCE = 24;
/** While the layout changes, the person has scrolled if there was such an input so recently (ms). */
const INPUT_MS = 500;
const SCROLL_KEYS = new Set([
  'ArrowUp',
  'ArrowDown',
  'PageUp',
  'PageDown',
  'Home',
  'End',
  ' ',
  'j',
  'k',
  'g',
]);

/** What a `ScrollKeeper` tells. */
interface Options {
  scroller: HTMLElement;
  content: HTMLElement;
  /** Whether the person is at the end has changed. */
  onFollow: (isFollowing: boolean) => void;
  /** Whether the end of the content is the end of the log. */
  mayFollow: () => boolean;
  /** After each scrolling. */
  onScroll: () => void;
}

/**
 * Keeps what a person reads in its place while content comes and goes above it, and follows the end while
 * they are there.
 */
export class ScrollKeeper {
  private isFollowing = true;
  private anchor: { element: Element; top: number } | undefined;
  private lastTop = 0;
  private lastLayout = '';
  private lastInput = -Infinity;
  private readonly listeners = new AbortController();
  private readonly observer = new ResizeObserver(() => this.restore());

  constructor(private readonly options: Options) {
    const { scroller, content } = options;
    this.observer.observe(content);
    this.observer.observe(scroller);
    scroller.addEventListener('scroll', this.scrolled, { passive: true });
    content.addEventListener('click', this.clicked, { capture: true });
    this.listenForInput();
    this.toEnd();
  }

  get isAtEnd(): boolean {
    return this.isFollowing;
  }

  stop(): void {
    this.observer.disconnect();
    this.listeners.abort();
    this.options.scroller.removeEventListener('scroll', this.scrolled);
    this.options.content.removeEventListener('click', this.clicked, { capture: true });
  }

  /** Scrolls to the end and follows it. */
  toEnd(): void {
    this.follow(true);
    const { scroller } = this.options;
    scroller.scrollTop = scroller.scrollHeight;
  }

  /** Scrolls to an element and keeps it there. */
  toElement(element: Element): void {
    const { scroller } = this.options;
    this.follow(false);
    const offset = element.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
    scroller.scrollTop += offset - Math.min(120, scroller.clientHeight / 4);
    this.keep(element);
  }

  private readonly scrolled = (): void => {
    const { scroller } = this.options;
    const by = scroller.scrollTop - this.lastTop;
    const isLayoutSame = this.lastLayout === this.layout();
    // Content may have come above in the same frame.
    this.compensate();
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    const distance = scrollHeight - scrollTop - clientHeight;
    // Upwards is the person's wish (also a search of the browser, or the focus), unless there was more room
    // for a moment, before new content came.
    if (by < -1 && distance > 4) {
      if (isLayoutSame || performance.now() - this.lastInput < INPUT_MS) this.follow(false);
      else if (this.isFollowing) return this.restore();
    }
    if (by > 0 && distance <= END_DISTANCE && this.options.mayFollow()) this.follow(true);
    this.keep(this.firstVisible());
    this.options.onScroll();
  };

  /** What was clicked stays where it is, although it may become longer. */
  private readonly clicked = ({ target }: Event): void => {
    if (!(target instanceof Element) || target.closest('.event-main button') === null) return;
    this.follow(false);
    this.keep(target.closest('.event') ?? undefined);
  };

  /** Notes when the person does something that scrolls. */
  private listenForInput(): void {
    const { scroller } = this.options;
    const options = { passive: true, signal: this.listeners.signal };
    const note = (): void => {
      this.lastInput = performance.now();
    };
    scroller.addEventListener('wheel', note, options);
    scroller.addEventListener('touchmove', note, options);
    // A scroll bar that is held: there is no further event until it is released.
    scroller.addEventListener(
      'pointerdown',
      ({ target }) => {
        if (target === scroller) this.lastInput = Infinity;
      },
      options,
    );
    addEventListener('pointerup', note, options);
    addEventListener(
      'keydown',
      ({ key, target }) => {
        if (SCROLL_KEYS.has(key) && !(target instanceof HTMLTextAreaElement)) note();
      },
      options,
    );
  }

  private follow(isFollowing: boolean): void {
    if (this.isFollowing === isFollowing) return;
    this.isFollowing = isFollowing;
    this.options.onFollow(isFollowing);
  }

  private keep(element: Element | undefined): void {
    this.anchor = element && { element, top: element.getBoundingClientRect().top };
    this.note();
  }

  /** Called after the layout has changed and before it is painted. */
  private restore(): void {
    const { scroller } = this.options;
    // Where nothing can be scrolled, the person is at the end.
    if (scroller.scrollHeight <= scroller.clientHeight && this.options.mayFollow()) this.follow(true);
    if (!this.isFollowing) {
      this.compensate();
      this.keep(this.anchor?.element);
    } else {
      scroller.scrollTop = scroller.scrollHeight;
      this.keep(this.firstVisible());
    }
  }

  /** Takes back by how much content has moved the anchor, but not by how much the person has scrolled. */
  private compensate(): void {
    const { scroller } = this.options;
    if (!this.anchor?.element.isConnected) return;
    const { element, top } = this.anchor;
    const scrolled = scroller.scrollTop - this.lastTop;
    scroller.scrollTop += element.getBoundingClientRect().top - (top - scrolled);
  }

  private note(): void {
    this.lastTop = this.options.scroller.scrollTop;
    this.lastLayout = this.layout();
  }

  private layout(): string {
    const { scrollHeight, clientHeight } = this.options.scroller;
    return `${scrollHeight} ${clientHeight}`;
  }

  /** The first piece whose end is below the upper edge. Found by halving, as there may be a thousand. */
  private firstVisible(): Element | undefined {
    const { scroller, content } = this.options;
    const pieces = content.children;
    const edge = scroller.getBoundingClientRect().top;
    let low = 0;
    let high = pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const bottom = pieces[middle]?.getBoundingClientRect().bottom ?? 0;
      if (bottom <= edge) low = middle + 1;
      else high = middle;
    }
    return pieces[low];
  }
}
