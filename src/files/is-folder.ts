import { stat } from 'node:fs/promises';

/** Whether a path is a folder, or a link to one, that can be inspected. */
export async function isFolder(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.isDirectory() ?? false;
}
