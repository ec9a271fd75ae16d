import { existsSync } from 'node:fs';
import path from 'node:path';

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

/** Where a UI is installed. */
export interface UiPlace {
  /** Folder of all fetched UIs. */
  readonly parent: string;
  /** Folder of the pinned UI. It exists only when the UI is complete. */
  readonly folder: string;
  /** The part of that folder that is served. */
  readonly build: string;
}

/** Where `--fetch-ui` puts the pinned UI, in the folder of the program. */
export function uiPlace(program: string): UiPlace {
  const parent = path.join(program, FOLDER);
  const folder = path.join(parent, `${path.posix.basename(PINNED_UI.name)}-${PINNED_UI.version}`);
  return { parent, folder, build: path.join(folder, 'build') };
}

/** The folder of the pinned UI if it was fetched. A UI without its page counts as missing. */
export function installedUi(place: UiPlace): string | undefined {
  return existsSync(path.join(place.build, 'index.html')) ? place.build : undefined;
}
