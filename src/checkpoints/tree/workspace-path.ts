/** Whether a path is that of a file below a workspace, and not of a part of a repository. */
export function isFilePath(file: string): boolean {
  const names = file.split('/');
  return !file.includes('\0') && names.every((name) => !['', '.', '..', '.git'].includes(name));
}

/** Whether a set has a path, or a folder on the way to it. An empty path is the workspace itself. */
export function isIn(paths: ReadonlySet<string>, file: string): boolean {
  if (paths.has(file) || paths.has('')) return true;
  for (let at = file.lastIndexOf('/'); at > 0; at = file.lastIndexOf('/', at - 1))
    if (paths.has(file.slice(0, at))) return true;
  return false;
}
