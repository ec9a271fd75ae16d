import { opendir, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { GitPathError } from '../git-errors.js';
import type { GitFolder } from './git-folder.js';

/** What git reads of a repository as a whole. */
const OF_REPOSITORY = ['config', 'packed-refs', 'shallow', 'info/exclude', 'objects/info/alternates'];
/** What git reads in each folder of the files. */
const OF_FOLDER = ['.gitattributes', '.gitignore'];

/** References that are looked at; a repository with more has packed them. */
const MAX_REFS = 50_000;

/**
 * Checks files that git would wait for, or never come to the end of, if they were pipes or devices. In the
 * folders of the files these are those from the top down to one folder; of others git is stopped when its
 * time is over.
 * @throws GitPathError
 */
export async function assertPlainFiles({ top, own, common }: GitFolder, folder: string): Promise<void> {
  await assertPlain(path.join(own, 'HEAD'));
  for (const name of OF_REPOSITORY) await assertPlain(path.join(common, name));
  await assertPlainRefs(path.join(common, 'refs'));
  const inside = path.relative(top, folder).split(path.sep);
  for (let at = top, next = 0; next <= inside.length; at = path.join(at, inside[next++] ?? '')) {
    for (const name of OF_FOLDER) await assertPlain(path.join(at, name));
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
 * Checks one file; it may be missing.
 * @throws GitPathError
 */
export async function assertPlain(file: string): Promise<void> {
  const stats = await stat(file).catch((error: unknown) => {
    const code = errorCode(error) ?? '';
    if (['ENOENT', 'ENOTDIR'].includes(code)) return undefined;
    throw new GitPathError(`The file ${path.basename(file)} of the repository cannot be read`);
  });
  // A folder is no danger: git says so at once, or passes it over.
  if (!stats || stats.isFile() || stats.isDirectory()) return;
  throw new GitPathError(`The file ${path.basename(file)} of the repository is not a file`);
}
