import { readFileSync } from 'node:fs';

/** The version of the original whose API this server implements. Clients compare it to enable features. */
export const API_VERSION = '1.58.2';

/** The version of this server, from `package.json`. */
export const SERVER_VERSION = readVersion();

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const manifest: unknown = JSON.parse(text);
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}
