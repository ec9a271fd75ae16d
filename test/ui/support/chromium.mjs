import { access } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

/** Names of Chromium's program, as in `test/support/chromium.ts`. */
const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** The browser of this machine, headless; undefined if there is none. */
export async function launchChromium() {
  const executablePath = await findChromium();
  if (executablePath === undefined) return undefined;
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

async function findChromium() {
  const named = process.env.CHROME_PATH;
  const places = (process.env.PATH ?? '').split(path.delimiter);
  const programs = places.flatMap((place) => PROGRAMS.map((name) => path.join(place, name)));
  for (const file of named ? [named] : programs) if (await exists(file)) return file;
  return undefined;
}

function exists(file) {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Shows what the pages looked like when a step failed. */
export async function keepScreenshots(browser, prefix) {
  const pages = browser.contexts().flatMap((context) => context.pages());
  for (const [index, page] of pages.entries()) {
    const file = path.join(os.tmpdir(), `${prefix}-failure-${process.pid}-${index}.png`);
    await page.screenshot({ path: file, timeout: 10_000 }).then(
      () => console.error(`screenshot of ${page.url()}: ${file}`),
      () => undefined,
    );
  }
}
