import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The web UI that this version of the server is tested with. To move to another version, take its integrity
 * from `npm view @openhands/agent-canvas@VERSION dist.integrity` and run `npm run test:ui`.
 */
export const PINNED_UI = {
  name: '@openhands/agent-canvas',
  version: '1.20.0',
  integrity:
    'sha512-uq28bmdMapsDN0ltp5ZHYm9xfuk7cHktNkd0NY38w/UTq25wJTqSKSPya+2+ky0+HpGX2vmn0uF3mHuNCoOb2w==',
} as const;

/** Folder of fetched UIs beside the program. Git, ESLint and Prettier ignore it. */
const FOLDER = 'web-ui';
/** `--reload` runs builds from below it, each with a copy of `package.json`. */
const CACHE = `${path.sep}node_modules${path.sep}.cache`;

/** Where a UI is installed. */
export interface UiPlace {
  /** Folder of all fetched UIs. */
  readonly parent: string;
  /** Folder of the pinned UI. It exists only when the UI is complete. */
  readonly folder: string;
  /** The part of that folder that is served. */
  readonly build: string;
}

/** Where `--fetch-ui` puts the pinned UI: beside the `package.json` of the running program. */
export function uiPlace(program = programFolder()): UiPlace {
  const parent = path.join(program, FOLDER);
  const folder = path.join(parent, `${path.posix.basename(PINNED_UI.name)}-${PINNED_UI.version}`);
  return { parent, folder, build: path.join(folder, 'build') };
}

/** The folder of the pinned UI if it was fetched. A UI without its page counts as missing. */
export function installedUi(place = uiPlace()): string | undefined {
  return existsSync(path.join(place.build, 'index.html')) ? place.build : undefined;
}

/** How a person fetches the UI: in a checkout by npm, elsewhere by the program itself. */
export function fetchCommand({ parent }: UiPlace = uiPlace()): string {
  const isCheckout = existsSync(path.join(path.dirname(parent), 'src/main.ts'));
  return isCheckout ? 'npm run ui' : 'openhands-agent-server --fetch-ui';
}

/** The folder of this program: the nearest one with its `package.json`. Builds differ in their depth. */
export function programFolder(): string {
  const start = path.dirname(fileURLToPath(import.meta.url));
  for (let folder = start; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    if (!folder.includes(CACHE) && isOurs(path.join(folder, 'package.json'))) return folder;
  }
  return start;
}

function isOurs(manifest: string): boolean {
  try {
    const value: unknown = JSON.parse(readFileSync(manifest, 'utf8'));
    return (
      typeof value === 'object' &&
      value !== null &&
      'name' in value &&
      value.name === 'openhands-agent-server'
    );
  } catch {
    return false;
  }
}
