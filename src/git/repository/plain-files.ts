import { opendir, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { GitPathError } from '../git-errors.js';
import type { GitFolder } from './git-folder.js';

/** Files that git reads for the whole repository. */
const REPOSITORY_FILES = ['config', 'packed-refs', 'shallow', 'info/exclude', 'objects/info/alternates'];
/** Files that git reads in each folder of the work tree. */
const FOLDER_FILES = ['.gitattributes', '.gitignore'];

/** Maximum number of references that are checked; larger repositories pack them. */
const MAX_REFS = 50_000;

/**
 * Checks that files which git reads are not pipes or devices, on which it would block. Covers the folders
 * from the top down to `folder`; in other folders the time limit stops git.
 * @throws GitPathError
 */
export async function assertPlainFiles({ top, own, common }: GitFolder, folder: string): Promise<void> {
  await assertPlain(path.join(own, 'HEAD'));
  for (const name of REPOSITORY_FILES) await assertPlain(path.join(common, name));
  await assertPlainRefs(path.join(common, 'refs'));
  const inside = path.relative(top, folder).split(path.sep);
  for (let at = top, next = 0; next <= inside.length; at = path.join(at, inside[next++] ?? '')) {
    for (const name of FOLDER_FILES) await assertPlain(path.join(at, name));
  }
}

async function assertPlainRefs(refs: string): Promise<void> {
  const entries = await opendir(refs, { recursive: true }).catch(() => undefined);
  if (!entries) return;
  let looked = 0;
  for await (const entry of entries) {
    if ((looked += 1) > MAX_REFS) return;
    if (!entry.isFile() && !entry.isDirectory()) await assertPlain(path.join(entry.parentPath, entry.name));
  }
}

/**
 * Checks one file. It may be missing.
 * @throws GitPathError
 */
export async function assertPlain(file: string): Promise<void> {
  const stats = await stat(file).catch((error: unknown) => {
    const code = errorCode(error) ?? '';
    if (['ENOENT', 'ENOTDIR'].includes(code)) return undefined;
    throw new GitPathError(`The file ${path.basename(file)} of the repository cannot be read`);
  });
  // Folders are harmless: git rejects or ignores them.
  if (!stats || stats.isFile() || stats.isDirectory()) return;
  throw new GitPathError(`The file ${path.basename(file)} of the repository is not a file`);
}
