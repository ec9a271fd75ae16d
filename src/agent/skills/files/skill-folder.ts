import { opendir, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { asText } from '../../../json/index.js';
import { errorCode, errorMessage } from '../../../errors/index.js';
import { isInside, MAX_FILE_BYTES, readProjectText, TextRoom } from '../../../files/index.js';
import { parseFrontmatter } from './frontmatter.js';
import { type Skill, type SkillResources } from '../skill.js';
import { parseAgentSkill, parseSkillFile, type ParsedSkill } from './skill-file.js';

/** Reports a problem with a file, which is skipped. */
export type Warn = (file: string, problem: string) => void;

/** Limits on depth and entries of a walk. */
const MAX_DEPTH = 6;
const MAX_ENTRIES = 5_000;
/** Most skills of one folder, because each is parsed. */
const MAX_SKILLS = 500;
/** The resource folders of a `SKILL.md` skill. */
const RESOURCE_KINDS = ['scripts', 'references', 'assets'] as const;
const MAX_RESOURCES = 500;
/** Most entries read in a resource folder. */
const MAX_RESOURCE_ENTRIES = 5_000;

/** State of one walk: visited folders, so that cycles of links end. */
interface Walk {
  seen: Set<string>;
  entries: number;
}

/**
 * Reads the skills of a folder: Markdown files (except README), also in subfolders, and folders with a
 * `SKILL.md`. A missing folder has none. Order: skills that are always in the prompt, triggered skills,
 * `SKILL.md` skills; each group by path.
 * @param project links out of this folder (absolute path) are skipped
 * @param room shared size limit
 */
export async function readSkillFolder(
  folder: string,
  warn: Warn,
  project?: string,
  room: TextRoom = new TextRoom(),
): Promise<Skill[]> {
  const walk: Walk = { seen: new Set(), entries: 0 };
  const files = await listSkillFiles(folder, '', walk, warn);
  if (walk.entries > MAX_ENTRIES) warn(folder, `only the first ${MAX_ENTRIES} entries are read`);
  if (files.length > MAX_SKILLS) warn(folder, `only the first ${MAX_SKILLS} skills are used`);
  const skills: Skill[] = [];
  for (const file of files.slice(0, MAX_SKILLS)) {
    if (room.isFull) break;
    const skill = await readSkill(folder, file, { warn, project, room });
    if (skill) skills.push(skill);
  }
  const plain = skills.filter((skill) => !skill.is_agentskills_format && !skill.trigger);
  const triggered = skills.filter((skill) => !skill.is_agentskills_format && skill.trigger);
  return [...plain, ...triggered, ...skills.filter((skill) => skill.is_agentskills_format)];
}

/**
 * Reads the `SKILL.md` of one folder and lists its resources.
 * @param project links out of this folder (absolute path) are skipped
 * @returns undefined if there is no valid one; `warn` is called
 */
export async function readSkillAt(
  folder: string,
  warn: Warn,
  project?: string,
  room: TextRoom = new TextRoom(),
): Promise<Skill | undefined> {
  const names = await namesIn(folder, warn);
  const file = names.find(isSkillFile);
  return file === undefined ? undefined : readSkill(folder, file, { warn, project, room });
}

/**
 * Reads a `SKILL.md` outside of its final folder.
 * @param called the name of its future folder, which must be the skill's; undefined for any
 * @throws FrontmatterError, SkillFileError, TypeError if it is not a text file, system errors
 */
export async function readSkillFile(file: string, called?: string): Promise<Skill> {
  const content = await readProjectText(file, path.dirname(file));
  if (!content || content.cut)
    throw new TypeError(content ? 'SKILL.md is too large' : 'SKILL.md is not a text file');
  const { fields } = await parseFrontmatter(content.text);
  const folder = called ?? asText(fields['name']) ?? '';
  return (await parseAgentSkill(path.join(path.sep, folder, 'SKILL.md'), content.text)).skill;
}

/**
 * Relative paths of skill files, sorted. A folder with a `SKILL.md` is one skill, whatever else it contains.
 */
async function listSkillFiles(root: string, below: string, walk: Walk, warn: Warn): Promise<string[]> {
  const folder = path.join(root, below);
  const real = await realpath(folder).catch(() => undefined);
  if (real === undefined || walk.seen.has(real)) return [];
  const names = await namesIn(folder, warn);
  const skill = below === '' ? undefined : names.find(isSkillFile);
  // Not marked as visited: a link with another name may come first and must not hide the real folder.
  if (skill !== undefined) return [path.join(below, skill)];
  walk.seen.add(real);
  const found: string[] = [];
  for (const name of names) {
    if (++walk.entries > MAX_ENTRIES) break;
    const file = path.join(below, name);
    const facts = await stat(path.join(root, file)).catch((error: unknown) => {
      warn(path.join(root, file), errorMessage(error));
    });
    if (facts?.isDirectory() && !name.startsWith('.') && depth(file) <= MAX_DEPTH && name !== 'installed') {
      found.push(...(await listSkillFiles(root, file, walk, warn)));
    } else if (facts?.isFile() && isMarkdown(name)) {
      found.push(file);
    }
  }
  return found;
}

async function namesIn(folder: string, warn: Warn): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') warn(folder, errorMessage(error));
    return [];
  }
}

/** Reads one skill; an invalid file is skipped and reported. */
async function readSkill(
  root: string,
  below: string,
  { warn, project, room }: { warn: Warn; project: string | undefined; room: TextRoom },
): Promise<Skill | undefined> {
  const file = path.join(root, below);
  try {
    const content = await readProjectText(file, project);
    if (!content) {
      warn(file, 'not a text file');
      return undefined;
    }
    if (content.cut) warn(file, `only the first ${MAX_FILE_BYTES} bytes are used`);
    room.take(content.text.length);
    const { skill, warnings } = await parse(file, below, content.text);
    for (const problem of warnings) warn(file, problem);
    if (!skill.is_agentskills_format) return skill;
    const folder = path.dirname(file);
    const resources = await resourcesOf(folder, project ?? folder);
    if (resources) room.take(JSON.stringify(resources).length);
    return { ...skill, resources };
  } catch (error) {
    warn(file, errorMessage(error));
    return undefined;
  }
}

function parse(file: string, below: string, text: string): Promise<ParsedSkill> {
  if (isSkillFile(path.basename(file))) return parseAgentSkill(file, text);
  const name = below.replace(/\.md$/i, '').split(path.sep).join('/');
  return parseSkillFile(file, text, name);
}

/**
 * Lists the resources of a `SKILL.md`; null if there are none.
 * @param project links out of this folder are skipped
 */
async function resourcesOf(folder: string, project: string): Promise<SkillResources | null> {
  const [scripts = [], references = [], assets = []] = await Promise.all(
    RESOURCE_KINDS.map((kind) => listFiles(path.join(folder, kind), project)),
  );
  if (scripts.length + references.length + assets.length === 0) return null;
  return { skill_root: folder, scripts, references, assets };
}

/** Relative paths of the files in a folder. Links are not followed; the number of entries is limited. */
async function listFiles(folder: string, project: string): Promise<string[]> {
  const files: string[] = [];
  try {
    const [real, root] = await Promise.all([realpath(folder), realpath(project)]);
    if (!isInside(root, real)) return [];
    let listed = 0;
    for await (const entry of await opendir(folder, { recursive: true })) {
      if ((listed += 1) > MAX_RESOURCE_ENTRIES) break;
      if (entry.isFile()) files.push(path.relative(folder, path.join(entry.parentPath, entry.name)));
    }
  } catch {
    // Most skills have none, and unreadable folders cannot be used.
  }
  return files.sort().slice(0, MAX_RESOURCES);
}

function isSkillFile(name: string): boolean {
  return name.toLowerCase() === 'skill.md';
}

function isMarkdown(name: string): boolean {
  return /\.md$/i.test(name) && !/^readme\.md$/i.test(name);
}

function depth(file: string): number {
  return file.split(path.sep).length;
}
