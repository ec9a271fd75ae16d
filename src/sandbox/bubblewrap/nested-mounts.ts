import fs, { constants } from 'node:fs';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { HANDLES, O_PATH } from '../../files/index.js';
import type { Mount } from './mounts.js';

/**
 * Folders between a folder that programs can change and a mount inside of it, each mounted on itself, so that
 * no program can put a link in its place: bubblewrap would follow that at the next start, outside, and make
 * the missing folders there.
 */
export function pinnedFolders(mounts: readonly Mount[]): Mount[] {
  return mounts.flatMap(({ at }) => {
    const outer = containerOf(at, mounts);
    if (outer === undefined || !isChangeable(outer)) return [];
    const { at: root, from = root, as } = outer;
    const between: Mount[] = [];
    for (let above = path.dirname(at); above !== root; above = path.dirname(above))
      between.push({ at: above, as, from: path.join(from, path.relative(root, above)), optional: true });
    return between;
  });
}

/**
 * Makes the places in the private folders of a conversation on which something is mounted, without following
 * links, instead of bubblewrap. What is in the way is renamed.
 */
export function makeMountPoints(mounts: readonly Mount[]): void {
  for (const mount of mounts) {
    const outer = containerOf(mount.at, mounts);
    if (outer?.as !== 'private' || outer.from === undefined || mount.as === 'link') continue;
    makeInside(outer.from, path.relative(outer.at, mount.at).split(path.sep), isFolder(mount));
  }
}

function isFolder({ at, as, from = at }: Mount): boolean {
  if (as === 'writable' || as === 'read-only' || as === 'private') return fs.statSync(from).isDirectory();
  return as !== 'blank' && as !== 'device';
}

/** The innermost mount around a path. */
function containerOf(at: string, mounts: readonly Mount[]): Mount | undefined {
  return mounts
    .filter((mount) => mount.at !== at && at.startsWith(mount.at === '/' ? '/' : `${mount.at}/`))
    .reduce<Mount | undefined>(
      (inner, mount) => (inner && inner.at.length > mount.at.length ? inner : mount),
      undefined,
    );
}

function isChangeable({ as }: Mount): boolean {
  return as === 'writable' || as === 'private';
}

/** @param root without links @param endsInFolder whether the last name is a folder, as all others are */
function makeInside(root: string, names: readonly string[], endsInFolder: boolean): void {
  let outer = fs.openSync(root, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    for (const [index, name] of names.entries()) {
      const inner = makeIn(outer, name, endsInFolder || index < names.length - 1);
      fs.closeSync(outer);
      outer = inner;
    }
  } finally {
    fs.closeSync(outer);
  }
}

/** @returns a handle of what is there then */
function makeIn(folder: number, name: string, asFolder: boolean): number {
  const file = `${HANDLES}/${folder}/${name}`;
  const found = openPlain(file, asFolder);
  if (found !== undefined) return found;
  if (fs.lstatSync(file, { throwIfNoEntry: false })) fs.renameSync(file, `${file}.moved-${Date.now()}`);
  if (asFolder) fs.mkdirSync(file, { mode: 0o700 });
  else fs.closeSync(fs.openSync(file, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600));
  const made = openPlain(file, asFolder);
  if (made === undefined) throw new Error(`${name} is no longer what it was made as`);
  return made;
}

/** Undefined for anything but a folder, or a plain file. */
function openPlain(file: string, asFolder: boolean): number | undefined {
  let fd: number;
  try {
    fd = fs.openSync(file, O_PATH | constants.O_NOFOLLOW | (asFolder ? constants.O_DIRECTORY : 0));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
  const stats = fs.fstatSync(fd);
  if (asFolder || stats.isFile()) return fd;
  fs.closeSync(fd);
  return undefined;
}
