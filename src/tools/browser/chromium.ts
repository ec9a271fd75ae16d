import { access, constants, rm } from 'node:fs/promises';
import path from 'node:path';
import type { BrowserContext, BrowserType } from 'playwright-core';
import { errorMessage } from '../../errors/index.js';
import { makeTemporaryFolder } from '../../files/index.js';
import { childEnvironment } from '../../processes/index.js';
import { BrowserError } from './browser-error.js';

/** What a Chromium is called, where it comes from different packages. */
const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
/** Names the program where it is not on the PATH. */
const PROGRAM_VARIABLE = 'CHROME_PATH';
const START_MS = 30_000;
/** Enough for pages that people use on a desktop, small enough for a model's eyes. */
const VIEWPORT = { width: 1280, height: 800 };
const ARGUMENTS = [
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
];

/** A Chromium that runs, with a profile of its own. */
export interface RunningChromium {
  context: BrowserContext;
  /** Ends it and removes its profile. */
  close(): Promise<void>;
}

/**
 * Starts the system's Chromium without a window and with an empty profile. It is steered through a pipe, so
 * it ends with this process however that ends.
 * @throws BrowserError when there is none or it does not start
 */
export async function startChromium(): Promise<RunningChromium> {
  const executablePath = await findChromium();
  const chromium = await loadPlaywright();
  const profile = await makeTemporaryFolder('browser');
  const removeProfile = (): Promise<void> => rm(profile, { recursive: true, force: true, maxRetries: 5 });
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      args: ARGUMENTS,
      // The sandbox cannot be had by root.
      chromiumSandbox: process.getuid?.() !== 0,
      env: childEnvironment(),
      viewport: VIEWPORT,
      acceptDownloads: false,
      timeout: START_MS,
      // The server ends its browsers itself, after its conversations.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
    return {
      context,
      close: async () => {
        await context.close();
        await removeProfile();
      },
    };
  } catch (error) {
    await removeProfile();
    throw new BrowserError(`The browser ${executablePath} did not start: ${startFailure(error)}`, {
      cause: error,
    });
  }
}

/** Whether there is a browser that could be started. */
export async function hasChromium(): Promise<boolean> {
  return findChromium().then(
    () => true,
    () => false,
  );
}

/** The program that the environment names, or the first one on the PATH. */
async function findChromium(): Promise<string> {
  const named = process.env[PROGRAM_VARIABLE];
  if (named) {
    if (await isProgram(named)) return named;
    throw new BrowserError(`There is no browser: ${PROGRAM_VARIABLE} names ${named}, which cannot be run.`);
  }
  const folders = (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder));
  for (const program of PROGRAMS) {
    for (const folder of folders) {
      const file = path.join(folder, program);
      if (await isProgram(file)) return file;
    }
  }
  throw new BrowserError(
    `There is no browser on this machine: none of ${PROGRAMS.join(', ')} is on the server's PATH. Go on without one, ` +
      `or ask the user to install Chromium or to set ${PROGRAM_VARIABLE} for the server.`,
  );
}

async function isProgram(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function loadPlaywright(): Promise<BrowserType> {
  try {
    const { chromium } = await import('playwright-core');
    return chromium;
  } catch (error) {
    throw new BrowserError(`The package playwright-core cannot be loaded: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/** The sentence that says it, out of the browser's whole log. */
function startFailure(error: unknown): string {
  const message = errorMessage(error);
  if (/no usable sandbox|sandbox.{0,200}not.{0,200}configured|zygote_host/i.test(message)) {
    return 'its sandbox is not available to this user (it needs user namespaces or the setuid helper of the package chromium-sandbox)';
  }
  return message.split('\n', 1)[0] ?? message;
}
