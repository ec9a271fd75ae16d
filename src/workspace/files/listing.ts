import { opendir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { errorCode } from '../../errors/index.js';
import { withoutTrailingSlashes } from '../../text/index.js';

/** A folder in a listing. */
interface Subfolder {
  name: string;
  path: string;
}

/** A page of the subfolders of a folder. */
export interface SubfolderPage {
  items: Subfolder[];
  next_page_id: string | null;
}

/** Places from which to browse for a folder. */
export interface HomeView {
  home: string;
  favorites: { label: string; path: string }[];
  locations: { label: string; path: string }[];
}

const MAX_FAVORITES = 50;

/**
 * Lists the subfolders of a folder, without links, sorted by name ignoring case.
 * @param shown the folder as the client named it; prefix of the returned paths
 * @param pageId name of the first item of the page; an unknown one returns the first page
 */
export async function listSubfolders(
  folder: string,
  shown: string,
  { hidden, limit, pageId }: { hidden: boolean; limit: number; pageId?: string },
): Promise<SubfolderPage> {
  const names = await subfolderNames(folder, hidden);
  const start = Math.max(0, pageId === undefined ? 0 : names.indexOf(pageId));
  const page = names.slice(start, start + limit);
  return {
    items: page.map((name) => ({ name, path: `${withoutTrailingSlashes(shown)}/${name}` })),
    next_page_id: names[start + limit] ?? null,
  };
}

/**
 * The user's home folder and its subfolders.
 * @param root takes the place of the home folder and of `/` if the routes are restricted to it
 */
export async function describeHome(hidden: boolean, root: string | undefined): Promise<HomeView> {
  const home = root ?? os.homedir();
  const names = await subfolderNames(home, hidden).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errorCode(error) ?? '')) return [];
    throw error;
  });
  const top = root ?? '/';
  return {
    home,
    favorites: names.slice(0, MAX_FAVORITES).map((label) => ({ label, path: path.join(home, label) })),
    locations: [{ label: top, path: top }],
  };
}

async function subfolderNames(folder: string, hidden: boolean): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of await opendir(folder)) {
    if (entry.isDirectory() && (hidden || !entry.name.startsWith('.'))) names.push(entry.name);
  }
  const keyed = names.map((name) => ({ name, key: name.toLowerCase() }));
  return keyed.sort((a, b) => compare(a.key, b.key) || compare(a.name, b.name)).map(({ name }) => name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
