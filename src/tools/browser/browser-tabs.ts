import { randomBytes } from 'node:crypto';
import type { BrowserContext, Page } from 'playwright-core';
import { BrowserError } from './browser-error.js';
import type { PageElement } from './page-elements.js';

/** A tab as the model sees it. */
interface TabSummary {
  tab_id: string;
  url: string;
  title: string;
  current: boolean;
}

/** Limits on notes, because a page can cause any number of them. */
const MAX_NOTES = 20;
const MAX_NOTE_LENGTH = 300;

/** The tabs of a browser, the current tab, and notes about unexpected events in them. */
export class BrowserTabs {
  private readonly ids = new Map<Page, string>();
  private readonly elements = new WeakMap<Page, readonly PageElement[]>();
  private notes: string[] = [];
  private chosen: Page | undefined;
  /** Whether a recording is active. */
  recording = false;

  constructor(readonly context: BrowserContext) {
    for (const page of context.pages()) this.add(page);
    context.on('page', (page) => this.add(page));
  }

  /** The current tab. Opens one if there is none. */
  async current(): Promise<Page> {
    if (this.chosen && !this.chosen.isClosed()) return this.chosen;
    this.chosen = this.context.pages().at(-1) ?? (await this.context.newPage());
    return this.chosen;
  }

  async open(): Promise<Page> {
    this.chosen = await this.context.newPage();
    return this.chosen;
  }

  /** @throws BrowserError if there is no such tab */
  async switchTo(id: string): Promise<Page> {
    const page = this.find(id);
    await page.bringToFront();
    this.chosen = page;
    return page;
  }

  /** @throws BrowserError if there is no such tab */
  async close(id: string): Promise<void> {
    await this.find(id).close();
  }

  async list(): Promise<TabSummary[]> {
    const current = await this.current();
    return Promise.all(
      this.context.pages().map(async (page) => ({
        tab_id: this.idOf(page),
        url: page.url(),
        title: await page.title().catch(() => ''),
        current: page === current,
      })),
    );
  }

  idOf(page: Page): string {
    return this.ids.get(page) ?? this.add(page);
  }

  /** Stores the elements that `get_state` has listed. Later indexes refer to them. */
  storeElements(page: Page, elements: readonly PageElement[]): void {
    this.elements.set(page, elements);
  }

  /** @throws BrowserError if no such element was listed */
  element(page: Page, index: number): PageElement {
    const element = this.elements.get(page)?.[index];
    if (element) return element;
    throw new BrowserError(
      `There is no element with index ${index}. Look at the page with browser_get_state.`,
    );
  }

  /** Returns and clears the notes. */
  takeNotes(): string[] {
    const notes = this.notes;
    this.notes = [];
    return notes;
  }

  note(text: string): void {
    const { length } = this.notes;
    if (length < MAX_NOTES) this.notes.push(text.slice(0, MAX_NOTE_LENGTH));
    else if (length === MAX_NOTES) this.notes.push('More of that happened and is not shown.');
  }

  private find(id: string): Page {
    const page = this.context.pages().find((open) => this.idOf(open) === id);
    if (page) return page;
    const known = this.context.pages().map((open) => this.idOf(open));
    throw new BrowserError(`There is no tab ${id}. Open tabs: ${known.join(', ') || 'none'}.`);
  }

  private add(page: Page): string {
    const known = this.ids.get(page);
    if (known !== undefined) return known;
    const id = this.newId();
    this.ids.set(page, id);
    page.on('close', () => this.ids.delete(page));
    page.on('crash', () => {
      this.note(`The page in tab ${id} crashed; the tab was closed.`);
      void page.close().catch(() => undefined);
    });
    page.on('dialog', (dialog) => {
      // Leaving a page is what the model asked for. All other dialogs are dismissed.
      const leaving = dialog.type() === 'beforeunload';
      if (!leaving)
        this.note(`The page showed a dialog (${dialog.type()}), which was dismissed: ${dialog.message()}`);
      void (leaving ? dialog.accept() : dialog.dismiss()).catch(() => undefined);
    });
    page.on('download', (download) => {
      this.note(
        `The page offered a file, which the browser does not save: ${download.suggestedFilename()} from ` +
          `${download.url()}. Fetch it with another tool if you need it.`,
      );
    });
    return id;
  }

  private newId(): string {
    const taken = new Set(this.ids.values());
    for (;;) {
      const id = randomBytes(2).toString('hex');
      if (!taken.has(id)) return id;
    }
  }
}
