import { cp, mkdir, mkdtemp, readdir, realpath, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of this repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Copies this checkout with its current build, so that a test can change files. Packages are linked. */
export async function copyCheckout(): Promise<string> {
  const build = await realpath(path.join(ROOT, 'dist/current'));
  const copy = await mkdtemp(path.join(os.tmpdir(), 'checkout-'));
  const hidden = new Set(['.git', 'node_modules', 'workspace', 'coverage']);
  for (const name of await readdir(ROOT)) {
    if (hidden.has(name)) continue;
    await cp(path.join(ROOT, name), path.join(copy, name), {
      recursive: true,
      preserveTimestamps: true,
      // `dist/current` is relative: it leads to the build of the copy.
      verbatimSymlinks: true,
      // Other builds come and go.
      filter: (file) => path.dirname(file) !== path.dirname(build) || file === build,
    });
  }
  // A folder of links, so that writes to node_modules stay in the copy.
  const packages = path.join(copy, 'node_modules');
  await mkdir(packages);
  for (const name of await readdir(path.join(ROOT, 'node_modules'))) {
    if (name !== '.cache') await symlink(path.join(ROOT, 'node_modules', name), path.join(packages, name));
  }
  return copy;
}
