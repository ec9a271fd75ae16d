/**
 * Checks the manifests in `deploy/kubernetes/` against the schemas of Kubernetes: unknown kinds, missing
 * fields and wrong types are errors. Not part of `npm test`: it fetches the schemas from npm, in a pinned
 * version, into a temporary folder.
 *
 *     node test/kubernetes-schemas.mjs
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { loadAll } from 'js-yaml';

const SCHEMAS = 'kubernetes-models@5.1.0';
const MANIFESTS = fileURLToPath(new URL('../deploy/kubernetes', import.meta.url));

const folder = await mkdtemp(path.join(os.tmpdir(), 'kubernetes-schemas-'));
try {
  execFileSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--silent', SCHEMAS], {
    stdio: 'inherit',
  });
  let [passed, failed] = [0, 0];
  for (const name of await readdir(MANIFESTS)) {
    for (const object of loadAll(await readFile(path.join(MANIFESTS, name), 'utf8'))) {
      const problem = await check(object);
      const title = `${name}: ${object.kind} ${object.metadata?.name}`;
      if (problem === undefined) passed += 1;
      else failed += 1;
      console.log(problem === undefined ? `ok      ${title}` : `FAILED  ${title}: ${problem}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Returns what is wrong with an object. */
async function check(object) {
  const home = path.join(folder, 'node_modules/kubernetes-models');
  try {
    const model = await import(pathToFileURL(path.join(home, object.apiVersion, `${object.kind}.js`)).href);
    new model[object.kind](object).validate();
    return undefined;
  } catch (error) {
    return error.message;
  }
}
