import { cp, mkdir, mkdtemp, readdir, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Copies this checkout with its build, so that a test can change files. Packages are linked. */
export async function copyCheckout(): Promise<string> {
  const copy = await mkdtemp(path.join(os.tmpdir(), 'checkout-'));
  const hidden = new Set(['.git', 'node_modules', 'workspace', 'coverage']);
  for (const name of await readdir(ROOT)) {
    // Links as they are: `dist/current` is relative, so that it leads to the build of the copy.
    const options = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true };
    if (!hidden.has(name)) await cp(path.join(ROOT, name), path.join(copy, name), options);
  }
  // A folder of links, so that writes to node_modules stay in the copy.
  const packages = path.join(copy, 'node_modules');
  await mkdir(packages);
  for (const name of await readdir(path.join(ROOT, 'node_modules'))) {
    if (name !== '.cache') await symlink(path.join(ROOT, 'node_modules', name), path.join(packages, name));
  }
  return copy;
}
