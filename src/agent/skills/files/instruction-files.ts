import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { errorMessage } from '../../../errors/index.js';
import { MAX_FILE_BYTES, readProjectText, type TextRoom } from '../../../files/index.js';
import type { Repositories } from '../repositories.js';
import { makeSkill, type Skill } from '../skill.js';
import type { Warn } from './skill-folder.js';

/** Instruction files of various agents, and the names of the skills that they become. */
const SKILL_NAMES: ReadonlyMap<string, string> = new Map([
  ['agents.md', 'agents'],
  ['agent.md', 'agents'],
  ['claude.md', 'claude'],
  ['gemini.md', 'gemini'],
  ['.cursorrules', 'cursorrules'],
]);

/** Folders of dependencies and build results: their instructions are for other projects. */
const SKIPPED_FOLDERS = new Set(['.git', 'node_modules', '.venv', 'venv', '__pycache__', 'site-packages']);

/** Limits of the search in a project outside of a repository. */
const MAX_DEPTH = 8;
const MAX_FOLDERS = 2_000;
/** Most instruction files in folders of a project. */
const MAX_NESTED = 200;

/** The instructions in one folder, by file name. Of several files for the same skill the first one wins. */
export async function readInstructionFiles(
  folder: string,
  project: string,
  warn: Warn,
  room: TextRoom,
): Promise<Skill[]> {
  const entries = await readdir(folder).catch(() => []);
  const skills: Skill[] = [];
  for (const entry of entries.filter((name) => SKILL_NAMES.has(name.toLowerCase())).sort()) {
    const name = SKILL_NAMES.get(entry.toLowerCase()) ?? entry;
    if (skills.some((skill) => skill.name === name)) continue;
    const content = await readInstructions(path.join(folder, entry), project, { warn, room });
    if (content !== undefined) skills.push(makeSkill({ name, content, source: path.join(folder, entry) }));
  }
  return skills;
}

/** The instructions in the folders of a project: each is a rule for the files of its folder. */
export async function readNestedInstructions(
  folder: string,
  project: string,
  repositories: Repositories,
  warn: Warn,
  room: TextRoom,
): Promise<Skill[]> {
  const files = (await filesOfRepository(folder, repositories)) ?? (await filesOfFolder(folder));
  const nested = files
    .filter((file) => file.includes('/') && SKILL_NAMES.has(path.posix.basename(file).toLowerCase()))
    .filter((file) => !file.split('/').some((segment) => SKIPPED_FOLDERS.has(segment)))
    .sort();
  if (nested.length > MAX_NESTED)
    warn(folder, `only the first ${MAX_NESTED} nested instruction files are used`);
  const rules: Skill[] = [];
  for (const file of nested.slice(0, MAX_NESTED)) {
    if (room.isFull) break;
    const source = path.join(folder, file);
    const content = await readInstructions(source, project, { warn, room });
    if (content !== undefined) rules.push(folderRule(file, source, content));
  }
  return rules;
}

function folderRule(file: string, source: string, content: string): Skill {
  const below = path.posix.dirname(file);
  const name = SKILL_NAMES.get(path.posix.basename(file).toLowerCase()) ?? '';
  return makeSkill({
    name: `${name}:${below}`,
    content,
    trigger: { type: 'path', paths: [`${below}/**`] },
    source,
    disable_model_invocation: true,
  });
}

/** Reads the file verbatim, including frontmatter: these formats have none. */
async function readInstructions(
  file: string,
  project: string,
  { warn, room }: { warn: Warn; room: TextRoom },
): Promise<string | undefined> {
  try {
    const content = await readProjectText(file, project);
    if (content?.cut) warn(file, `only the first ${MAX_FILE_BYTES} bytes are used`);
    if (content) room.take(content.text.length);
    if (content?.text.trim()) return content.text;
    if (!content) warn(file, 'not a text');
  } catch (error) {
    warn(file, errorMessage(error));
  }
  return undefined;
}

/** Files that are tracked or not ignored; undefined outside of a repository. */
async function filesOfRepository(folder: string, repositories: Repositories): Promise<string[] | undefined> {
  const patterns = [...SKILL_NAMES.keys()].map((name) => `:(icase,glob)**/${name}`);
  return repositories.files(folder, patterns).catch(() => undefined);
}

/** Walks a folder without following links, up to the limits. */
async function filesOfFolder(root: string): Promise<string[]> {
  const files: string[] = [];
  const folders = [''];
  for (let count = 0; count < folders.length && count < MAX_FOLDERS; count++) {
    const below = folders[count] ?? '';
    const entries = await readdir(path.join(root, below), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const file = path.posix.join(below, entry.name);
      if (entry.isFile()) files.push(file);
      const inside = entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name);
      if (inside && file.split('/').length <= MAX_DEPTH) folders.push(file);
    }
  }
  return files;
}

type ModelMaker = 'claude' | 'gemini' | 'other';

/** Prefixes of models whose maker has no instruction file of its own. */
const OTHER_MAKERS =
  /^(gpt-|chatgpt|codex|o[134](-|$)|deepseek|kimi|minimax|glm|qwen|mistral|llama|grok|devstral)/;

/** Removes instructions for models of another maker. Models of an unknown maker get all instructions. */
export function skillsForModel(skills: readonly Skill[], model: string): Skill[] {
  const family = makerOf(model);
  if (family === undefined) return [...skills];
  return skills.filter(({ name }) => {
    const [file = ''] = name.split(':');
    return (file !== 'claude' && file !== 'gemini') || file === family;
  });
}

function makerOf(model: string): ModelMaker | undefined {
  const name = model.toLowerCase();
  if (name.includes('claude')) return 'claude';
  if (name.includes('gemini')) return 'gemini';
  return OTHER_MAKERS.test(name.split('/').pop() ?? '') ? 'other' : undefined;
}
