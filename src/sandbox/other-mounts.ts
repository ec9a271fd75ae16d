import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { isInside } from '../files/index.js';

/** A line of `/proc/self/mountinfo` (proc(5)). */
interface MountPoint {
  /** Device. */
  device: string;
  /** The folder of the file system that is mounted. */
  root: string;
  at: string;
  type: string;
}

/**
 * Other paths of a folder: its file system, or a folder above it, may be mounted elsewhere as well.
 * @param folder real path
 * @param text the mounts of the machine (proc(5), mountinfo)
 */
export function otherPlaces(folder: string, text = mountInfo()): string[] {
  const all = mountPoints(text);
  // Of several at a place, the last one is seen.
  const own = all
    .filter(({ at }) => isInside(at, folder))
    .toSorted((one, other) => one.at.length - other.at.length)
    .at(-1);
  if (!own) return [];
  const inside = path.join(own.root, path.relative(own.at, folder));
  const places = all
    .filter(({ device, root }) => device === own.device && isInside(root, inside))
    .map(({ root, at }) => path.join(at, path.relative(root, inside)));
  return [...new Set(places)].filter((place) => place !== folder && isSame(place, folder));
}

/** Where `/proc` is mounted besides, as in folders for `chroot`: it shows all processes of the machine. */
export function otherProcesses(text = mountInfo()): string[] {
  return mountPoints(text).flatMap(({ type, at }) => (type === 'proc' && !isInside('/proc', at) ? [at] : []));
}

/** Where file systems of a type are mounted. */
export function mountsOfType(type: string, text = mountInfo()): { root: string; at: string }[] {
  return mountPoints(text).filter((mount) => mount.type === type);
}

/** Empty where the system does not tell. */
function mountInfo(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return '';
  }
}

function mountPoints(text: string): MountPoint[] {
  return text.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const [, , device, root, at] = left.split(' ');
    if (device === undefined || root === undefined || at === undefined) return [];
    return [{ device, root: unescaped(root), at: unescaped(at), type: right.split(' ')[0] ?? '' }];
  });
}

/** Spaces and the like are written as octal numbers. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

function isSame(one: string, other: string): boolean {
  const [first, second] = [one, other].map((file) => statSync(file, { throwIfNoEntry: false }));
  return first !== undefined && first.dev === second?.dev && first.ino === second.ino;
}
