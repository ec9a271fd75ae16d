import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { keepScreenshots } from './chromium.mjs';
import { PageWatch } from './watched-page.mjs';
import { TestServer, until } from './test-server.mjs';

const PATIENCE_MS = 30_000;
const KEY_NAME = 'agent-server-console.session-key';
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** Impacts that axe-core gives to what keeps people from using a page. */
const SERIOUS = new Set(['serious', 'critical']);
const NARROW = { width: 390, height: 844 };

/** Runs one file of `test/ui/console/` with a server, a folder and pages of its own. */
export class ConsoleTest {
  #browser;
  #steps;
  #watches = new Map();
  #servers = [];
  #addresses = new Set();

  constructor(browser, steps) {
    this.#browser = browser;
    this.#steps = steps;
  }

  /** @param test is given what it may use */
  async run(name, test) {
    const folder = await mkdtemp(path.join(os.tmpdir(), `console-${name}-`));
    try {
      const startServer = (environment) => this.#startServer(folder, environment);
      const server = await startServer();
      await test({
        server,
        startServer,
        folder,
        openPage: (options) => this.#openPage({ of: server, ...options }),
        step: (title, action) => this.#step(`${name}: ${title}`, action),
        api: (method, route, body) => server.api(method, route, body),
        expectProblems: (page, ...patterns) => this.#watches.get(page).expect(...patterns),
        axe,
        screenshots,
        until,
      });
      await this.#step(`${name}: the browser reported no problem`, () => Promise.resolve());
    } catch (error) {
      await keepScreenshots(this.#browser, `console-${name}`);
      throw error;
    } finally {
      // Pages first: the end of their server would be a problem of theirs.
      await Promise.all(
        [...this.#watches.keys()].map((page) =>
          page
            .context()
            .close()
            .catch(() => undefined),
        ),
      );
      await Promise.all(this.#servers.map((server) => server.stop().catch(() => undefined)));
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  /** After each step the browser must have reported nothing but what was expected. */
  async #step(title, action) {
    await this.#steps.run(title, async () => {
      await action();
      for (const watch of this.#watches.values()) watch.check();
    });
  }

  async #startServer(folder, environment) {
    const server = await TestServer.start(path.join(folder, String(this.#servers.length)), environment);
    this.#servers.push(server);
    return server;
  }

  /**
   * Opens a page of a new browser profile.
   * @param options `at`: a path below the console; null opens none. `of`: another server than the first, or a
   *   proxy.
   *   `key`: the session key that this browser has kept. `scheme`: `light` or `dark`.
   */
  async #openPage({ of: server, at = '', width = 1400, height = 900, scheme = 'light', key, ...more }) {
    const context = await this.#browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      locale: 'en-US',
      timezoneId: 'Europe/Berlin',
      ...(key === undefined
        ? {}
        : {
            storageState: {
              cookies: [],
              origins: [{ origin: server.url, localStorage: [{ name: KEY_NAME, value: key }] }],
            },
          }),
      ...more,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    this.#addresses.add(new URL(server.url).origin);
    const isOurs = (origin) => this.#addresses.has(origin) || this.#servers.some(({ url }) => url === origin);
    this.#watches.set(page, new PageWatch(page, isOurs));
    if (at !== null) await page.goto(`${server.url}/console/${at}`);
    return page;
  }
}

/** Checks a page, or the part of it that a selector names, for barriers with axe-core. */
async function axe(page, selector) {
  await settle(page);
  // The policy of the page forbids foreign scripts, so the debugger runs it.
  const debug = await page.context().newCDPSession(page);
  await debug.send('Runtime.evaluate', { expression: await readFile(AXE, 'utf8') });
  await debug.detach();
  const violations = await page.evaluate(
    async (within) => (await globalThis.axe.run(within ?? document)).violations,
    selector,
  );
  const serious = violations
    .filter(({ impact }) => SERIOUS.has(impact))
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html, target }) => `${target} ${html}`)}`);
  assert.deepEqual(serious, [], 'axe-core found barriers');
}

/** Keeps screenshots of a page in the folder that `SCREENSHOTS` names: light, dark and narrow. */
async function screenshots(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  const size = page.viewportSize();
  const take = async (suffix, colorScheme, viewport) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    await settle(page);
    await page.screenshot({ path: path.join(folder, `${name}-${suffix}.png`), animations: 'disabled' });
  };
  await take('light', 'light', size);
  await take('dark', 'dark', size);
  await take('narrow', 'light', NARROW);
  await page.setViewportSize(size);
}

/** Waits until nothing is loaded, and nothing fades or moves any more but what always moves. */
async function settle(page) {
  await page.waitForFunction(() => {
    const moving = document.getAnimations().filter(({ effect, playState }) => {
      return playState === 'running' && effect.getComputedTiming().endTime !== Infinity;
    });
    return moving.length === 0 && document.querySelector('.loading') === null;
  });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}
