import type { Dirent } from 'node:fs';
import path from 'node:path';
import type { ConfinedFiles } from '../../files/index.js';

/** The number of directory levels that are shown. */
const LEVELS = 2;
/** Longer listings are truncated, because they would fill the model's context. */
const MAX_ENTRIES = 2000;

/**
 * Lists files and directories two levels deep, without hidden ones. Directories end in a slash; symbolic
 * links are followed.
 * @throws FileRefusal, the error of the file system if the directory itself cannot be read
 */
export async function viewDirectory(files: ConfinedFiles, directory: string): Promise<string> {
  const children = await files.entries(directory);
  const hidden = children.filter(isHidden).length;
  const entries = [`${directory}/`, ...(await list(files, directory, children, LEVELS))];
  const shown = entries.slice(0, MAX_ENTRIES);
  const parts = [
    `Here's the files and directories up to ${LEVELS} levels deep in ${directory}, excluding hidden items:\n` +
      shown.join('\n'),
  ];
  if (entries.length > shown.length)
    parts.push(`${entries.length - shown.length} more entries are not shown.`);
  if (hidden > 0) {
    parts.push(
      `${hidden} hidden files/directories in this directory are excluded. ` +
        `You can use 'ls -la ${directory}' to see them.`,
    );
  }
  return parts.join('\n\n');
}

async function list(
  files: ConfinedFiles,
  directory: string,
  children: readonly Dirent[],
  levels: number,
): Promise<string[]> {
  const visible = children.filter((child) => !isHidden(child)).sort(byName);
  const lists: string[][] = [];
  // Sequentially: a directory with thousands of entries must not open thousands of handles at once.
  for (const child of visible)
    lists.push(await listChild(files, path.join(directory, child.name), child, levels));
  return lists.flat();
}

async function listChild(
  files: ConfinedFiles,
  file: string,
  child: Dirent,
  levels: number,
): Promise<string[]> {
  if (!(await isDirectory(files, file, child))) return [file];
  if (levels === 1) return [`${file}/`];
  // A directory that is unreadable or refused is listed without its content.
  const children = await files.entries(file).catch(() => []);
  return [`${file}/`, ...(await list(files, file, children, levels - 1))];
}

async function isDirectory(files: ConfinedFiles, file: string, child: Dirent): Promise<boolean> {
  if (!child.isSymbolicLink()) return child.isDirectory();
  // A link that is dangling, or leads to what is refused, is listed like a file.
  return (await files.kind(file).catch(() => 'other')) === 'directory';
}

function isHidden(child: Dirent): boolean {
  return child.name.startsWith('.');
}

/** By code points, as in Python. */
function byName(a: Dirent, b: Dirent): number {
  return Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
}
