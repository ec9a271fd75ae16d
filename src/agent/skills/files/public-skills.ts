import path from 'node:path';
import { TextRoom, type UserFolders } from '../../../files/index.js';
import { isJsonObject, asText } from '../../../json/index.js';
import { folderInside } from '../plugins/plugin-source.js';
import { readJson } from '../plugins/plugin-paths.js';
import { type Skill } from '../skill.js';
import { readSkillAt, readSkillFolder, type Warn } from './skill-folder.js';

/** Most entries read from a list. */
const MAX_ENTRIES = 1_000;

/** An entry of a marketplace file. */
export interface ListedExtension {
  name: string;
  description: string | null;
  /** Absolute path of its folder, which exists. */
  folder: string;
}

/** Where the fetched repository of public skills is stored. */
export function publicSkillsFolder(user: UserFolders): string {
  return path.join(user.openhands, 'cache', 'skills', 'public-skills');
}

/**
 * The skills of a repository.
 * @param list the marketplace file that selects them; null for all skills
 */
export async function readPublicSkills(
  repository: string,
  list: string | null,
  warn: Warn,
): Promise<Skill[]> {
  if (list === null) return readSkillFolder(path.join(repository, 'skills'), warn, repository);
  const skills: Skill[] = [];
  const room = new TextRoom();
  for (const { folder } of await readMarketplaceFile(repository, list, warn)) {
    if (!isInPart(repository, 'skills', folder)) continue;
    const skill = await readSkillAt(folder, warn, repository, room);
    if (skill) skills.push(skill);
  }
  return skills;
}

/** Reads a marketplace file. Entries outside of the repository are skipped. */
export async function readMarketplaceFile(
  repository: string,
  list: string,
  warn: Warn,
): Promise<ListedExtension[]> {
  const file = path.resolve(repository, list);
  const value = file.startsWith(repository + path.sep) ? await readJson(file, warn) : undefined;
  const entries: unknown[] = isJsonObject(value) && Array.isArray(value['plugins']) ? value['plugins'] : [];
  const listed: ListedExtension[] = [];
  for (const entry of entries.slice(0, MAX_ENTRIES)) {
    if (!isJsonObject(entry) || typeof entry['name'] !== 'string' || typeof entry['source'] !== 'string')
      continue;
    const folder = await folderInside(repository, entry['source']).catch(() => undefined);
    if (folder === undefined) continue;
    listed.push({ name: entry['name'], description: asText(entry['description']), folder });
  }
  return listed;
}

/** Whether a folder is inside the given part of a repository. */
export function isInPart(repository: string, part: string, folder: string): boolean {
  return folder.startsWith(path.join(repository, part) + path.sep);
}
