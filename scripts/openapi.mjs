// Writes the API document of this server to openapi.json and its TypeScript types to openapi.d.ts:
// `npm run docs`. With --check it changes nothing, and ends with 1 when one of them is out of date.
// Needs a build.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import openapiTypescript, { astToString } from 'openapi-typescript';
import { startServer } from '../test/support/with-server.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const HEAD = `/**
 * Types of the HTTP API, written by \`npm run docs\` from openapi.json. They are for clients that have
 * no other types: \`paths\` by route and method, \`components['schemas']\` by name.
 */
`;

const document = await servedDocument();
const files = {
  'openapi.json': `${JSON.stringify(document, null, 2)}\n`,
  'openapi.d.ts': HEAD + astToString(await openapiTypescript(document, { defaultNonNullable: false })),
};
const outdated = [];
for (const [name, text] of Object.entries(files)) {
  const before = await readFile(path.join(root, name), 'utf8').catch(() => '');
  if (before !== text) outdated.push(name);
}
if (process.argv.includes('--check')) {
  if (outdated.length > 0) {
    console.error(
      `${outdated.join(' and ')} differ from what the server serves: run \`npm run docs\` and commit the result.`,
    );
    process.exitCode = 1;
  }
} else {
  for (const name of outdated) {
    await writeFile(path.join(root, name), files[name]);
    console.log(`${name} was updated`);
  }
}

/** The document as a new server without any configuration serves it. */
async function servedDocument() {
  for (const name of Object.keys(process.env)) {
    if (/^(OH|SESSION_API|OPENHANDS)_/.test(name)) delete process.env[name];
  }
  const folder = await mkdtemp(path.join(os.tmpdir(), 'openapi-'));
  const server = await startServer(folder, { HOME: folder, OH_PERSISTENCE_DIR: folder });
  try {
    return await (await fetch(`${server.url}/openapi.json`)).json();
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
