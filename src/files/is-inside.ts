import path from 'node:path';

/** Whether a path is a folder or lies in it; both absolute, normal and without links. */
export function isInside(folder: string, candidate: string): boolean {
  const below = path.relative(folder, candidate);
  return !(below === '..' || below.startsWith(`..${path.sep}`) || path.isAbsolute(below));
}
