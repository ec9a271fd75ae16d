import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { asJson, type Json } from './settings-fixture.js';

const FILE = fileURLToPath(new URL('../../openapi.json', import.meta.url));

/** The API document in the repository. `openapi-file.spec.ts` checks that a new server has the same. */
export function apiDocument(): Json {
  return asJson(JSON.parse(readFileSync(FILE, 'utf8')));
}
