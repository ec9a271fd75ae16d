import type { Dirent, Stats } from 'node:fs';
import { lstat, opendir, stat } from 'node:fs/promises';
import { type PathHandle } from '../../files/index.js';

/** What an entry of a folder is. */
type EntryKind = 'file' | 'folder' | 'link' | 'other';

/** An entry of a folder. */
export interface FolderEntry {
  name: string;
  kind: EntryKind;
  /** Of a file (bytes); null for everything else. */
  size: number | null;
  /** ISO 8601; null if it is gone meanwhile. */
  modified_at: string | null;
  /** What a link leads to, if that is inside the folder that may be read; null otherwise. */
  target: 'file' | 'folder' | null;
}

/** Which entries a page has. */
export interface PageOptions {
  hidden: boolean;
  limit: number;
  /** The `next_page_id` of the page before. */
  pageId: string | null;
}

/** A page of the entries of a folder: folders first, each in the order of their names ignoring case. */
export interface FolderPage {
  items: FolderEntry[];
  next_page_id: string | null;
  /** Number of entries in all pages. */
  total: number;
  /** There are more entries than are looked at. */
  truncated: boolean;
}

/** The most entries of a folder that are looked at. */
const MAX_ENTRIES = 100_000;
/** Files of a page that are examined at the same time. */
const WIDTH = 16;

/**
 * Lists a folder, whatever its path leads to meanwhile. Only what a page shows is examined.
 * @param allows whether a real path may be read: what a link leads to elsewhere is not told
 */
export async function folderPage(
  folder: Pick<PathHandle, 'self' | 'at' | 'real'>,
  { hidden, limit, pageId }: PageOptions,
  allows: (realPath: string) => Promise<string | undefined>,
): Promise<FolderPage> {
  const { keys, truncated } = await sortedKeys(folder.self, hidden);
  const start = pageId === null ? 0 : lowerBound(keys, pageId);
  const shown = keys.slice(start, start + limit);
  const items: FolderEntry[] = [];
  for (let at = 0; at < shown.length; at += WIDTH) {
    const part = shown.slice(at, at + WIDTH);
    items.push(...(await Promise.all(part.map((key) => describe(folder, nameOf(key), allows)))));
  }
  return { items, next_page_id: keys[start + limit] ?? null, total: keys.length, truncated };
}

/**
 * The entries as keys in the order of the listing: the kind, the name in lower case, the name. Keys are the
 * ids of pages, so that a page has its place also when the entry at its beginning is gone.
 */
async function sortedKeys(folder: string, hidden: boolean): Promise<{ keys: string[]; truncated: boolean }> {
  const keys: string[] = [];
  for await (const entry of await opendir(folder, { bufferSize: 512 })) {
    if (!hidden && entry.name.startsWith('.')) continue;
    if (keys.length === MAX_ENTRIES) return { keys: keys.sort(), truncated: true };
    keys.push(keyOf(entry));
  }
  return { keys: keys.sort(), truncated: false };
}

function keyOf(entry: Dirent): string {
  return `${entry.isDirectory() ? 'a' : 'b'}${entry.name.toLowerCase()}/${entry.name}`;
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

function lowerBound(keys: readonly string[], wanted: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? '') < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function describe(
  folder: Pick<PathHandle, 'at' | 'real'>,
  name: string,
  allows: (realPath: string) => Promise<string | undefined>,
): Promise<FolderEntry> {
  const stats = await lstat(folder.at(name)).catch(() => undefined);
  const kind = kindOf(stats);
  const target = kind === 'link' ? await targetOf(`${folder.real}/${name}`, allows) : null;
  return {
    name,
    kind,
    size: stats?.isFile() ? stats.size : null,
    modified_at: stats ? stats.mtime.toISOString() : null,
    target,
  };
}

async function targetOf(
  link: string,
  allows: (realPath: string) => Promise<string | undefined>,
): Promise<'file' | 'folder' | null> {
  const real = await allows(link);
  const stats = real === undefined ? undefined : await stat(real).catch(() => undefined);
  if (stats?.isFile()) return 'file';
  return stats?.isDirectory() ? 'folder' : null;
}

function kindOf(stats: Stats | undefined): EntryKind {
  if (stats?.isFile()) return 'file';
  if (stats?.isDirectory()) return 'folder';
  return stats?.isSymbolicLink() ? 'link' : 'other';
}
