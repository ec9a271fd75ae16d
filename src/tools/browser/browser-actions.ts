import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { numberArgument, textArgument } from '../function-tool.js';
import type { ToolHost } from '../tool-host.js';
import { BrowserError } from './browser-error.js';
import type { BrowserTabs } from './browser-tabs.js';
import { pageElements, type PageElement } from './page-elements.js';
import { pageTextScript } from './page-text.js';
import { webAddress } from './web-address.js';

/** How much of a page's text one answer has; leaves room for the remark where it goes on. */
const TEXT_PART = 49_000;
const NAVIGATION_MS = 30_000;
/** An element that was there a moment ago is there now, or gone. */
const ELEMENT_MS = 5_000;
/** Pages go on loading for as long as they like; what they show first is enough to go on. */
const SETTLE_MS = 5_000;
/** A click that leads to another page does so within this time. */
const REACTION_MS = 500;
const RECORDINGS_FOLDER = 'recordings';

/** What came of an action. */
export interface BrowserAnswer {
  text: string;
  /** A PNG, base64. */
  screenshot?: string;
}

/** What an action works with. */
export interface BrowserCall {
  tabs: BrowserTabs;
  args: Record<string, unknown>;
  host: ToolHost;
  signal: AbortSignal;
}

/** Does one action in the browser. */
type BrowserAction = (call: BrowserCall) => Promise<BrowserAnswer>;

/** Opens an address, in the current tab or in a new one. */
const navigate: BrowserAction = async ({ tabs, args, signal }) => {
  const address = webAddress(textArgument(args, 'url') ?? '');
  const page = args['new_tab'] === true ? await tabs.open() : await tabs.current();
  const response = await page.goto(address, {
    waitUntil: 'domcontentloaded',
    timeout: NAVIGATION_MS,
    signal,
  });
  await settle(page, signal);
  const status = response && response.status() >= 400 ? ` (HTTP ${response.status()})` : '';
  return { text: `Opened ${page.url()}${status} in tab ${tabs.idOf(page)}. Title: ${await page.title()}` };
};

/** Clicks an element that `get_state` has shown. */
const click: BrowserAction = async ({ tabs, args, signal }) => {
  const page = await tabs.current();
  const { element, locator } = target(page, tabs, args);
  const opened: Page[] = [];
  const onPage = (fresh: Page): void => void opened.push(fresh);
  tabs.context.on('page', onPage);
  try {
    const moved = page
      .waitForEvent('framenavigated', { timeout: REACTION_MS, signal })
      .catch(() => undefined);
    await locator.click({
      timeout: ELEMENT_MS,
      signal,
      ...(args['new_tab'] === true && { modifiers: ['ControlOrMeta'] }),
    });
    await moved;
  } catch (error) {
    throw orGone(error, element);
  } finally {
    tabs.context.off('page', onPage);
  }
  const fresh = opened.find((candidate) => !candidate.isClosed());
  if (fresh) await tabs.switchTo(tabs.idOf(fresh));
  const current = fresh ?? (await tabs.current());
  await settle(current, signal);
  const where = fresh ? ` It opened tab ${tabs.idOf(fresh)}, which is the current one now.` : '';
  return { text: `Clicked ${described(element)}.${where} The page is ${current.url()}` };
};

/** Replaces what is in a field, or chooses from a list. */
const type: BrowserAction = async ({ tabs, args, signal }) => {
  const page = await tabs.current();
  const { element, locator } = target(page, tabs, args);
  const text = textArgument(args, 'text') ?? '';
  try {
    if (element.options) await locator.selectOption(text, { timeout: ELEMENT_MS, signal });
    else await locator.fill(text, { timeout: ELEMENT_MS, signal });
  } catch (error) {
    throw orGone(error, element);
  }
  return { text: `${element.options ? 'Chose' : 'Typed'} "${text}" in ${described(element)}.` };
};

/** Says what can be done on the page, and gives each thing its index. */
const getState: BrowserAction = async ({ tabs, args, signal }) => {
  const page = await tabs.current();
  const tree: unknown = await page.ariaSnapshotJSON({ mode: 'ai', signal });
  const elements = pageElements(tree);
  tabs.remember(page, elements);
  const state = {
    url: page.url(),
    title: await page.title(),
    tabs: await tabs.list(),
    scroll: await page.evaluate(SCROLL_POSITION),
    interactive_elements: elements.map(({ ref: _ref, ...element }, index) => ({ index, ...element })),
  };
  const text = JSON.stringify(state, undefined, 1);
  if (args['include_screenshot'] !== true) return { text };
  const image = await page.screenshot({ type: 'png', timeout: NAVIGATION_MS, signal });
  return { text, screenshot: image.toString('base64') };
};

/** Gives the text of the page, as much as one answer takes. */
const getContent: BrowserAction = async ({ tabs, args }) => {
  const page = await tabs.current();
  const read: unknown = await page.evaluate(pageTextScript(args['extract_links'] === true));
  const content = typeof read === 'string' ? read : '';
  const start = numberArgument(args, 'start_from_char') ?? 0;
  if (start > 0 && start >= content.length) {
    throw new BrowserError(`The page has only ${content.length} characters.`);
  }
  const end = Math.min(content.length, start + TEXT_PART);
  const rest = end < content.length ? `; go on with start_from_char=${end}` : '';
  const heading = `Content of ${page.url()}, characters ${start} to ${end} of ${content.length}${rest}:`;
  return { text: `${heading}\n\n${content.slice(start, end)}` };
};

/** Moves by most of a screen, so that a line or two stay in sight. */
const scroll: BrowserAction = async ({ tabs, args }) => {
  const page = await tabs.current();
  const direction = args['direction'] === 'up' ? 'up' : 'down';
  const factor = direction === 'up' ? -0.9 : 0.9;
  await page.evaluate(`window.scrollBy({ top: innerHeight * ${factor}, behavior: 'instant' })`);
  const position: unknown = await page.evaluate(SCROLL_POSITION);
  return { text: `Scrolled ${direction}. Position: ${JSON.stringify(position)}` };
};

const goBack: BrowserAction = async ({ tabs, signal }) => {
  const page = await tabs.current();
  const before = page.url();
  await page.goBack({ waitUntil: 'domcontentloaded', timeout: NAVIGATION_MS, signal });
  if (page.url() === before) return { text: `There is no page to go back to from ${before}` };
  await settle(page, signal);
  return { text: `Went back to ${page.url()}` };
};

const listTabs: BrowserAction = async ({ tabs }) => ({
  text: JSON.stringify(await tabs.list(), undefined, 1),
});

const switchTab: BrowserAction = async ({ tabs, args }) => {
  const page = await tabs.switchTo(textArgument(args, 'tab_id') ?? '');
  return { text: `Switched to tab ${tabs.idOf(page)}: ${page.url()}` };
};

const closeTab: BrowserAction = async ({ tabs, args }) => {
  const id = textArgument(args, 'tab_id') ?? '';
  await tabs.close(id);
  const page = await tabs.current();
  return { text: `Closed tab ${id}. The current tab is ${tabs.idOf(page)}: ${page.url()}` };
};

const getStorage: BrowserAction = async ({ tabs }) => {
  const { readStorage } = await import('./storage-state.js');
  return { text: JSON.stringify(await readStorage(tabs.context, await tabs.current()), undefined, 1) };
};

const setStorage: BrowserAction = async ({ tabs, args }) => {
  const { writeStorage } = await import('./storage-state.js');
  const { cookies, origins } = await writeStorage(tabs.context, args['storage_state']);
  return { text: `Replaced the browser's storage: ${cookies} cookie(s), ${origins} origin(s).` };
};

const startRecording: BrowserAction = async ({ tabs }) => {
  if (tabs.recording) throw new BrowserError('A recording is already going on.');
  await tabs.context.tracing.start({ screenshots: true, snapshots: true });
  tabs.recording = true;
  return { text: 'Recording started. It is lost if the browser ends before browser_stop_recording.' };
};

const stopRecording: BrowserAction = async ({ tabs, host }) => {
  if (!tabs.recording) throw new BrowserError('There is no recording to stop.');
  tabs.recording = false;
  const folder = path.join(host.folder, RECORDINGS_FOLDER);
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `recording-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.zip`);
  await tabs.context.tracing.stop({ path: file });
  return { text: `Recording stopped. It is in ${file}, for the Playwright trace viewer.` };
};

const SCROLL_POSITION =
  '({ top: Math.round(scrollY), screen: innerHeight, page: document.documentElement.scrollHeight })';

function target(
  page: Page,
  tabs: BrowserTabs,
  args: Record<string, unknown>,
): { element: PageElement; locator: Locator } {
  const element = tabs.element(page, numberArgument(args, 'index') ?? -1);
  return { element, locator: page.locator(`aria-ref=${element.ref}`) };
}

async function settle(page: Page, signal: AbortSignal): Promise<void> {
  await page.waitForLoadState('load', { timeout: SETTLE_MS, signal }).catch(() => undefined);
}

function described({ role, name }: PageElement): string {
  return name === '' ? `the ${role}` : `the ${role} "${name}"`;
}

/** Playwright waits for an element that is not there, and says only that it has waited. */
function orGone(error: unknown, element: PageElement): unknown {
  if (!(error instanceof Error) || error.name !== 'TimeoutError') return error;
  const why = /intercepts pointer events|not visible|not enabled|not stable|outside of the viewport/.exec(
    error.message,
  )?.[0];
  const reason = why ?? 'it is not on the page any more';
  return new BrowserError(
    `Cannot use ${described(element)}: ${reason}. Look at the page again with browser_get_state.`,
    { cause: error },
  );
}

/** Every action by the name of its tool. */
export const BROWSER_ACTIONS: Readonly<Record<string, BrowserAction>> = {
  browser_navigate: navigate,
  browser_click: click,
  browser_get_state: getState,
  browser_get_content: getContent,
  browser_type: type,
  browser_scroll: scroll,
  browser_go_back: goBack,
  browser_list_tabs: listTabs,
  browser_switch_tab: switchTab,
  browser_close_tab: closeTab,
  browser_get_storage: getStorage,
  browser_set_storage: setStorage,
  browser_start_recording: startRecording,
  browser_stop_recording: stopRecording,
};
