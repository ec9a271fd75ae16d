import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { TextRoom, type UserFolders } from '../../../files/index.js';
import { enabledNames } from './installed-names.js';
import { readInstructionFiles, readNestedInstructions } from './instruction-files.js';
import type { Repositories } from '../repositories.js';
import { firstByName, type Skill } from '../skill.js';
import { readSkillAt, readSkillFolder, type Warn } from './skill-folder.js';

/** A project's skill folders, in order of precedence. */
const PROJECT_FOLDERS = ['.agents/skills', '.openhands/skills', '.openhands/microagents'];

/**
 * The skills of a project: its instruction files, those of its folders as path rules, and its skill folders.
 * The working directory comes before the root of its repository, and of skills with the same name the first
 * one wins. Never fails: unusable files are skipped and reported.
 * @param workspace absolute path
 */
export async function readProjectSkills(
  workspace: string,
  repositories: Repositories,
  warn: Warn,
): Promise<Skill[]> {
  const root = await repositoryRoot(workspace, repositories);
  const project = root ?? workspace;
  const places = root === undefined ? [workspace] : [workspace, root];
  const room = new TextRoom();
  const instructions = await inOrder(places, (place) => readInstructionFiles(place, project, warn, room));
  const rules = await readNestedInstructions(workspace, project, repositories, warn, room);
  const folders = places.flatMap((place) => PROJECT_FOLDERS.map((folder) => path.join(place, folder)));
  const skills = await inOrder(folders, (folder) => readSkillFolder(folder, warn, project, room));
  return firstByName(instructions, rules, skills);
}

/** The user's skills for all projects: in `~/.agents` and the folder of OpenHands, then installed ones. */
export async function readUserSkills(user: UserFolders, warn: Warn): Promise<Skill[]> {
  const folders = [
    path.join(user.agents, 'skills'),
    path.join(user.openhands, 'skills'),
    path.join(user.openhands, 'microagents'),
  ];
  const room = new TextRoom();
  const own = await inOrder(folders, (folder) => readSkillFolder(folder, warn, undefined, room));
  const installed = await readInstalledSkills(path.join(user.openhands, 'skills', 'installed'), warn, room);
  return firstByName(own, installed);
}

/** The skills of a repository that an organisation shares between its projects. */
export async function readSharedSkills(repository: string, warn: Warn): Promise<Skill[]> {
  const room = new TextRoom();
  const folders = ['skills', 'microagents'].map((folder) => path.join(repository, folder));
  return firstByName(await inOrder(folders, (folder) => readSkillFolder(folder, warn, repository, room)));
}

/** Enabled installed skills. */
async function readInstalledSkills(folder: string, warn: Warn, room: TextRoom): Promise<Skill[]> {
  const names = await enabledNames(folder);
  return inOrder(names, async (name) => {
    const skill = await readSkillAt(path.join(folder, name), warn, undefined, room);
    return skill ? [skill] : [];
  });
}

/** The root of the repository; undefined outside of one and if the workspace is the root. */
async function repositoryRoot(workspace: string, repositories: Repositories): Promise<string | undefined> {
  try {
    const root = await repositories.top(workspace);
    return root === (await realpath(workspace)) ? undefined : root;
  } catch {
    return undefined;
  }
}

async function inOrder<T>(
  places: readonly T[],
  read: (place: T) => Promise<readonly Skill[]>,
): Promise<Skill[]> {
  const skills: Skill[] = [];
  for (const place of places) skills.push(...(await read(place)));
  return skills;
}
