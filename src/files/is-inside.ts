import path from 'node:path';

/** Whether a path is a folder or inside it. Both are absolute, normalised and free of links. */
export function isInside(folder: string, candidate: string): boolean {
  const below = path.relative(folder, candidate);
  return !(below === '..' || below.startsWith(`..${path.sep}`) || path.isAbsolute(below));
}
