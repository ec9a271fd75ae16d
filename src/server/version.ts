import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The version of the original whose API this server implements. Clients compare it to enable features. */
export const API_VERSION = '1.58.2';

/** The folder of the package: the nearest one with a `package.json`. Builds differ in their depth. */
export const PACKAGE_FOLDER = findPackageFolder(path.dirname(fileURLToPath(import.meta.url)));

/** The version of this server, from `package.json`. */
export const SERVER_VERSION = readVersion();

function findPackageFolder(folder: string): string {
  const parent = path.dirname(folder);
  return parent === folder || existsSync(path.join(folder, 'package.json'))
    ? folder
    : findPackageFolder(parent);
}

function readVersion(): string {
  const text = readFileSync(path.join(PACKAGE_FOLDER, 'package.json'), 'utf8');
  const manifest: unknown = JSON.parse(text);
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}
