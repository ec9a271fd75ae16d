import { readFileSync } from 'node:fs';

/**
 * The version of the original whose API this server speaks. Clients switch features on by it, so it must be
 * comparable.
 */
export const API_VERSION = '1.58.2';

/** This server's own version, from its package. */
export const SERVER_VERSION = readVersion();

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const manifest: unknown = JSON.parse(text);
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}
