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

/** Characters of a page's text in one result; leaves room for the heading. */
const CHUNK_CHARACTERS = 49_000;
const NAVIGATION_TIMEOUT_MS = 30_000;
/** Timeout for elements, which were on the page when the model saw it. */
const ELEMENT_TIMEOUT_MS = 5_000;
/** How long to wait for a page to finish loading. Some never do. */
const LOAD_TIMEOUT_MS = 5_000;
/** How long to wait for a navigation after a click. */
const CLICK_NAVIGATION_MS = 500;
const RECORDINGS_FOLDER = 'recordings';

/** The result of an action. */
export interface BrowserResult {
  text: string;
  /** PNG, base64. */
  screenshot?: string;
}

/** The arguments of an action and what it can use. */
interface BrowserCall {
  tabs: BrowserTabs;
  args: Record<string, unknown>;
  host: ToolHost;
  signal: AbortSignal;
}

/** Performs one action in the browser. */
type BrowserAction = (call: BrowserCall) => Promise<BrowserResult>;

/** Opens a URL in the current tab or in a new one. */
const navigate: BrowserAction = async ({ tabs, args, signal }) => {
  const address = webAddress(textArgument(args, 'url') ?? '');
  const page = args['new_tab'] === true ? await tabs.open() : await tabs.current();
  const response = await page.goto(address, {
    waitUntil: 'domcontentloaded',
    timeout: NAVIGATION_TIMEOUT_MS,
    signal,
  });
  await waitForLoad(page, signal);
  const status = response && response.status() >= 400 ? ` (HTTP ${response.status()})` : '';
  return { text: `Opened ${page.url()}${status} in tab ${tabs.idOf(page)}. Title: ${await page.title()}` };
};

/** Clicks an element that `get_state` has listed. */
const click: BrowserAction = async ({ tabs, args, signal }) => {
  const page = await tabs.current();
  const { element, locator } = target(page, tabs, args);
  const opened: Page[] = [];
  const onPage = (fresh: Page): void => void opened.push(fresh);
  tabs.context.on('page', onPage);
  try {
    const navigated = page
      .waitForEvent('framenavigated', { timeout: CLICK_NAVIGATION_MS, signal })
      .catch(() => undefined);
    await locator.click({
      timeout: ELEMENT_TIMEOUT_MS,
      signal,
      ...(args['new_tab'] === true && { modifiers: ['ControlOrMeta'] }),
    });
    await navigated;
  } catch (error) {
    throw elementError(error, element);
  } finally {
    tabs.context.off('page', onPage);
  }
  const fresh = opened.find((candidate) => !candidate.isClosed());
  if (fresh) await tabs.switchTo(tabs.idOf(fresh));
  const current = fresh ?? (await tabs.current());
  await waitForLoad(current, signal);
  const where = fresh ? ` It opened tab ${tabs.idOf(fresh)}, which is the current one now.` : '';
  return { text: `Clicked ${describeElement(element)}.${where} The page is ${current.url()}` };
};

/** Fills in a field, or selects an option of a list. */
const type: BrowserAction = async ({ tabs, args, signal }) => {
  const page = await tabs.current();
  const { element, locator } = target(page, tabs, args);
  const text = textArgument(args, 'text') ?? '';
  try {
    if (element.options) await locator.selectOption(text, { timeout: ELEMENT_TIMEOUT_MS, signal });
    else await locator.fill(text, { timeout: ELEMENT_TIMEOUT_MS, signal });
  } catch (error) {
    throw elementError(error, element);
  }
  return { text: `${element.options ? 'Chose' : 'Typed'} "${text}" in ${describeElement(element)}.` };
};

/** Describes the page and lists its interactive elements with their indexes. */
const getState: BrowserAction = async ({ tabs, args, signal }) => {
  const page = await tabs.current();
  const tree: unknown = await page.ariaSnapshotJSON({ mode: 'ai', signal });
  const elements = pageElements(tree);
  tabs.storeElements(page, elements);
  const state = {
    url: page.url(),
    title: await page.title(),
    tabs: await tabs.list(),
    scroll: await page.evaluate(SCROLL_POSITION),
    interactive_elements: elements.map(({ ref: _ref, ...element }, index) => ({ index, ...element })),
  };
  const text = JSON.stringify(state, undefined, 1);
  if (args['include_screenshot'] !== true) return { text };
  const image = await page.screenshot({ type: 'png', timeout: NAVIGATION_TIMEOUT_MS, signal });
  return { text, screenshot: image.toString('base64') };
};

/** Returns a part of the page's text. */
const getContent: BrowserAction = async ({ tabs, args }) => {
  const page = await tabs.current();
  const read: unknown = await page.evaluate(pageTextScript(args['extract_links'] === true));
  const content = typeof read === 'string' ? read : '';
  const start = numberArgument(args, 'start_from_char') ?? 0;
  if (start > 0 && start >= content.length) {
    throw new BrowserError(`The page has only ${content.length} characters.`);
  }
  const end = Math.min(content.length, start + CHUNK_CHARACTERS);
  const rest = end < content.length ? `; go on with start_from_char=${end}` : '';
  const heading = `Content of ${page.url()}, characters ${start} to ${end} of ${content.length}${rest}:`;
  return { text: `${heading}\n\n${content.slice(start, end)}` };
};

/** Scrolls by 90 percent of the viewport, so that some lines stay visible. */
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
  await page.goBack({ waitUntil: 'domcontentloaded', timeout: NAVIGATION_TIMEOUT_MS, signal });
  if (page.url() === before) return { text: `There is no page to go back to from ${before}` };
  await waitForLoad(page, signal);
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

async function waitForLoad(page: Page, signal: AbortSignal): Promise<void> {
  await page.waitForLoadState('load', { timeout: LOAD_TIMEOUT_MS, signal }).catch(() => undefined);
}

function describeElement({ role, name }: PageElement): string {
  return name === '' ? `the ${role}` : `the ${role} "${name}"`;
}

/** Replaces Playwright's timeout error by one that says why the element cannot be used. */
function elementError(error: unknown, element: PageElement): unknown {
  if (!(error instanceof Error) || error.name !== 'TimeoutError') return error;
  const cause = /intercepts pointer events|not visible|not enabled|not stable|outside of the viewport/.exec(
    error.message,
  )?.[0];
  const reason = cause ?? 'it is not on the page any more';
  return new BrowserError(
    `Cannot use ${describeElement(element)}: ${reason}. Look at the page again with browser_get_state.`,
    { cause: error },
  );
}

/** The actions by tool name. */
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
