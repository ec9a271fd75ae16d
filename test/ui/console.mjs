/**
 * Drives the console in headless Chromium against real servers. Each file of `test/ui/console/` exports a
 * function that tests a view; `ConsoleTest` says what it is given. Names on the command line choose files.
 */
import { readdir } from 'node:fs/promises';
import { launchChromium } from './support/chromium.mjs';
import { ConsoleTest } from './support/console-test.mjs';
import { skip, Steps } from './support/steps.mjs';
import { printTable } from './support/table.mjs';

const FOLDER = new URL('console/', import.meta.url);

const chosen = process.argv.slice(2);
const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.mjs'));
const names = files.map((name) => name.slice(0, -'.mjs'.length)).sort();
const unknown = chosen.filter((name) => !names.includes(name));
if (unknown.length > 0) throw new Error(`no such test: ${unknown.join(', ')}; there are ${names.join(', ')}`);

const browser = await launchChromium();
if (browser === undefined) skip('there is no Chromium; install it or set CHROME_PATH');
const steps = new Steps();
try {
  for (const name of names.filter((it) => chosen.length === 0 || chosen.includes(it))) {
    const test = await testIn(name);
    // One that fails does not hide what the others find.
    await new ConsoleTest(browser, steps).run(name, test).catch((error) => steps.fail(error));
  }
} finally {
  await browser.close();
  printTable();
  steps.close();
}

async function testIn(name) {
  const functions = Object.values(await import(new URL(`${name}.mjs`, FOLDER)));
  if (functions.length !== 1 || typeof functions[0] !== 'function')
    throw new Error(`test/ui/console/${name}.mjs must export one function`);
  return functions[0];
}
