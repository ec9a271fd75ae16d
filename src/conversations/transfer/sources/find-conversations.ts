import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { isFolder, undefinedIfMissing } from '../../../files/index.js';
import { FolderFiles } from './folder-files.js';
import type { SourceFiles } from './source-files.js';
import { ZIP_BOUNDS, ZipArchive, ZipError, ZipFiles, type ZipBounds } from './zip-files.js';

/** The name of the folder of a conversation. */
const CONVERSATION_FOLDER = /^[0-9a-f]{32}$/;
/** What only the folder of a conversation has. */
const MARKS = ['meta.json', 'base_state.json', 'metadata.json', 'events.jsonl'];
/** The same in an archive; its first group is the folder. */
const MARK_IN_ZIP = /^((?:[^/]+\/)*)(?:meta\.json|base_state\.json|events\/event-[^/]+)$/;

/** A path that was named holds no conversations; the message says why. */
export class NoConversationsError extends Error {
  override readonly name = 'NoConversationsError';
}

/** The conversations of one path. */
export interface FoundConversations {
  conversations: SourceFiles[];
  /** Folders that are named like conversations and are none. */
  empty: string[];
  close(): void;
}

/**
 * Finds the conversations in a path: the folder of one, a folder of them, a workspace with such a folder, or
 * a zip.
 * @throws NoConversationsError
 */
export async function findConversations(place: string): Promise<FoundConversations> {
  const stats = await stat(place).catch(undefinedIfMissing);
  if (!stats) throw new NoConversationsError(`${place} does not exist`);
  if (stats.isFile()) return openZip(place, path.basename(place), ZIP_BOUNDS);
  if (!stats.isDirectory()) throw new NoConversationsError(`${place} is neither a folder nor a file`);
  const names = await readdir(place);
  if (isConversation(names)) return { conversations: [new FolderFiles(place)], empty: [], close };
  const found = await inFolder(place, names);
  if (found.conversations.length > 0 || found.empty.length > 0) return found;
  for (const below of ['conversations', path.join('workspace', 'conversations')]) {
    const folder = path.join(place, below);
    if (await isFolder(folder)) return findConversations(folder);
  }
  throw new NoConversationsError(
    `${place} holds no conversations: give the folder of one, a folder of them, or a trajectory zip`,
  );
}

/** @throws NoConversationsError for a file that is no zip of conversations */
export async function openZip(file: string, name: string, bounds: ZipBounds): Promise<FoundConversations> {
  const archive = await ZipArchive.open(file, bounds).catch((error: unknown) => {
    throw error instanceof ZipError ? new NoConversationsError(`${name}: ${error.message}`) : error;
  });
  const roots = new Set<string>();
  for (const entry of archive.entries.keys()) {
    const [, root] = MARK_IN_ZIP.exec(entry) ?? [];
    if (root !== undefined) roots.add(root);
  }
  // Those of sub-agents, and copies of files that were damaged, are inside of one.
  for (const root of roots) if (isInsideOther(root, roots)) roots.delete(root);
  if (roots.size === 0) {
    archive.close();
    throw new NoConversationsError(`${name} is a zip without a conversation`);
  }
  const conversations = [...byRoot(archive.entries.keys(), roots)].map(
    ([root, paths]) => new ZipFiles(archive, name, root, paths),
  );
  return { conversations, empty: [], close: () => archive.close() };
}

function isInsideOther(root: string, roots: ReadonlySet<string>): boolean {
  for (let end = 0; end !== -1 && end < root.length; end = root.indexOf('/', end) + 1 || -1)
    if (roots.has(root.slice(0, end))) return true;
  return false;
}

/** The paths below each root, in the order of the roots. */
function byRoot(paths: Iterable<string>, roots: ReadonlySet<string>): Map<string, string[]> {
  const groups = new Map([...roots].sort().map((root) => [root, [] as string[]]));
  for (const name of paths) {
    for (let end = 0; end !== -1; end = name.indexOf('/', end) + 1 || -1) {
      const group = groups.get(name.slice(0, end));
      group?.push(name);
      if (group) break;
    }
  }
  return groups;
}

async function inFolder(place: string, names: readonly string[]): Promise<FoundConversations> {
  const conversations: SourceFiles[] = [];
  const empty: string[] = [];
  for (const name of [...names].sort()) {
    const folder = path.join(place, name);
    if (!(await isFolder(folder))) continue;
    if (isConversation(await readdir(folder))) conversations.push(new FolderFiles(folder));
    else if (CONVERSATION_FOLDER.test(name)) empty.push(folder);
  }
  return { conversations, empty, close };
}

/** Events may be all that is left of one; other things have a folder of that name, too. */
function isConversation(names: readonly string[]): boolean {
  if (MARKS.some((mark) => names.includes(mark))) return true;
  return names.includes('events') && names.every((name) => name === 'events' || name.startsWith('.'));
}

function close(): void {
  // Nothing is open.
}
