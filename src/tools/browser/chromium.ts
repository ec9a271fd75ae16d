import { access, constants, realpath, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BrowserContext, BrowserType } from 'playwright-core';
import { errorMessage } from '../../errors/index.js';
import { makeFolder, makeTemporaryFolder } from '../../files/index.js';
import { childEnvironment } from '../../processes/index.js';
import { UNCONFINED } from '../../sandbox/index.js';
import type { ToolHost } from '../tool-host.js';
import { BrowserError } from './browser-error.js';

/** Program names of Chromium in different packages. */
const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
/** The environment variable with the program's path, if it is not on the PATH. */
const PROGRAM_VARIABLE = 'CHROME_PATH';
const START_TIMEOUT_MS = 30_000;
/** Enough for desktop pages, small enough for screenshots to models. */
const VIEWPORT = { width: 1280, height: 800 };
const ARGUMENTS = [
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
];

/** Where a browser runs. */
export type ChromiumHost = Pick<ToolHost, 'confinement' | 'folder'>;

/** A running Chromium with its own profile. */
export interface RunningChromium {
  context: BrowserContext;
  /** Closes the browser and removes its profile. */
  close(): Promise<void>;
}

/**
 * Starts the system's Chromium in headless mode with an empty profile. It is controlled through a pipe, so it
 * always ends with this process.
 * @throws BrowserError if there is no Chromium or it does not start
 */
export async function startChromium({ confinement, folder }: ChromiumHost): Promise<RunningChromium> {
  const program = await findChromium();
  const chromium = await loadPlaywright();
  const profile = await makeTemporaryFolder('browser');
  const env = childEnvironment();
  const removeProfile = (): Promise<void> => rm(profile, { recursive: true, force: true, maxRetries: 5 });
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: await launcher({ program, profile, env }, { confinement, folder }),
      args: ARGUMENTS,
      // Chromium's sandbox is not available to root.
      chromiumSandbox: process.getuid?.() !== 0,
      env,
      viewport: VIEWPORT,
      acceptDownloads: false,
      timeout: START_TIMEOUT_MS,
      // The server closes its browsers itself, after its conversations.
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
    throw new BrowserError(`The browser ${program} did not start: ${startFailure(error)}`, {
      cause: error,
    });
  }
}

/**
 * The file that Playwright starts. In a sandbox it is a script, because Playwright adds the arguments itself;
 * it lies where no program of the agent can change it.
 */
async function launcher(
  { program, profile, env }: { program: string; profile: string; env: Record<string, string> },
  { confinement = UNCONFINED, folder }: ChromiumHost,
): Promise<string> {
  const own = [
    { path: profile, writable: true },
    { path: path.dirname(await realpath(program)), writable: false },
  ];
  const start = confinement.program({ file: program, args: [], cwd: '/', env, own });
  if (start.file === program) return program;
  const script = path.join(folder, 'browser.sh');
  await makeFolder(folder);
  await writeFile(script, `#!/bin/sh\nexec ${[start.file, ...start.args].map(quoted).join(' ')} "$@"\n`, {
    mode: 0o700,
  });
  return script;
}

/** A word for a shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Whether a Chromium is installed. */
export async function hasChromium(): Promise<boolean> {
  return findChromium().then(
    () => true,
    () => false,
  );
}

/** The program in the environment variable, or the first one on the PATH. */
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

/** The relevant sentence of the browser's log. */
function startFailure(error: unknown): string {
  const message = errorMessage(error);
  if (/no usable sandbox|sandbox.{0,200}not.{0,200}configured|zygote_host/i.test(message)) {
    return 'its sandbox is not available to this user (it needs user namespaces or the setuid helper of the package chromium-sandbox)';
  }
  return message.split('\n', 1)[0] ?? message;
}
