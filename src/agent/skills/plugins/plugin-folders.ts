import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { isMissing, type UserFolders, isFolder } from '../../../files/index.js';
import { enabledNames } from '../files/installed-names.js';

/** A project's plugin folders. */
const PROJECT_FOLDERS = [path.join('.agents', 'plugins'), path.join('.openhands', 'plugins')];
/** Most plugins in one folder. */
const MAX_PLUGINS = 200;
/** The folder of installed plugins, which can be disabled. */
const INSTALLED = 'installed';

/** The folders of the user's plugins for all projects: those added manually, then enabled installed ones. */
export async function userPluginFolders(user: UserFolders): Promise<string[]> {
  const own = path.join(user.openhands, 'plugins');
  const installed = path.join(own, INSTALLED);
  // Read for each new conversation.
  const [names, ofAgents, ofOpenHands] = await Promise.all([
    enabledNames(installed),
    foldersIn(path.join(user.agents, 'plugins')),
    foldersIn(own),
  ]);
  const folders = [...ofAgents, ...ofOpenHands.filter((folder) => folder !== installed)];
  const there = await Promise.all(names.map((name) => isFolder(path.join(installed, name))));
  return [...folders, ...names.filter((_name, at) => there[at]).map((name) => path.join(installed, name))];
}

/** The folders of a project's plugins. */
export async function projectPluginFolders(project: string): Promise<string[]> {
  const lists = await Promise.all(PROJECT_FOLDERS.map((folder) => foldersIn(path.join(project, folder))));
  return lists.flat();
}

/** Only real folders: a link could lead anywhere. */
async function foldersIn(place: string): Promise<string[]> {
  if (isMissing(place)) return [];
  const entries = await readdir(place, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  return folders
    .map(({ name }) => path.join(place, name))
    .sort()
    .slice(0, MAX_PLUGINS);
}
