import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The version of the original whose API this server implements. Clients compare it to enable features. */
export const API_VERSION = '1.58.2';

/** `--reload` runs builds from below it, each with a copy of `package.json`. */
const CACHE = `${path.sep}node_modules${path.sep}.cache`;

/** The folder of this program: the nearest one with its `package.json`. Builds differ in their depth. */
export const PACKAGE_FOLDER = findPackageFolder(path.dirname(fileURLToPath(import.meta.url)));

/** The version of this server, from `package.json`. */
export const SERVER_VERSION = manifestOf(PACKAGE_FOLDER).version ?? 'unknown';

interface Manifest {
  name?: string;
  version?: string;
}

function findPackageFolder(start: string): string {
  for (let folder = start; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    if (!folder.includes(CACHE) && manifestOf(folder).name === 'openhands-agent-server') return folder;
  }
  return start;
}

function manifestOf(folder: string): Manifest {
  try {
    return { ...(JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest) };
  } catch {
    return {};
  }
}
