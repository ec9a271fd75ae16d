import path from 'node:path';
import { errorMessage } from '../../errors/index.js';
import { readProjectText, TextRoom, type UserFolders } from '../../files/index.js';
import type { JsonObject } from '../../json/index.js';
import { parseFrontmatter } from '../skills/frontmatter.js';
import { markdownFiles } from '../skills/markdown-files.js';
import { textOrNull, texts } from '../skills/skill.js';
import type { Warn } from '../skills/skill-folder.js';

/** Where definitions of sub-agents stand in a project; the first of a name counts. */
const FOLDERS = [path.join('.agents', 'agents'), path.join('.openhands', 'agents')];

/** Most files of one folder that are read. */
const MAX_FILES = 200;

/** Whose files they are. */
export type DefinitionLevel = 'project' | 'user' | 'plugin';

/**
 * The definitions of sub-agents that a project has: Markdown files, unchecked, as create requests have them.
 */
export async function readProjectDefinitions(workspace: string, warn: Warn): Promise<JsonObject[]> {
  const folders = FOLDERS.map((folder) => path.join(workspace, folder));
  const room = new TextRoom();
  return inFolders(folders, (folder) => readDefinitions(folder, 'project', warn, workspace, room));
}

/** The definitions that a person keeps for all projects. */
export async function readUserDefinitions(user: UserFolders, warn: Warn): Promise<JsonObject[]> {
  const folders = [path.join(user.agents, 'agents'), path.join(user.openhands, 'agents')];
  const room = new TextRoom();
  return inFolders(folders, (folder) => readDefinitions(folder, 'user', warn, undefined, room));
}

/**
 * The definitions in the Markdown files of one folder (but no README), or in one such file. What cannot be
 * read is left out, and `warn` is told.
 * @param project files that are links out of this folder (absolute path) are left out
 * @param room for these definitions and for others
 */
export async function readDefinitions(
  folder: string,
  level: DefinitionLevel,
  warn: Warn,
  project?: string,
  room: TextRoom = new TextRoom(),
): Promise<JsonObject[]> {
  const files = await markdownFiles(folder);
  if (files.length > MAX_FILES) warn(folder, `only the first ${MAX_FILES} definitions are used`);
  const definitions: JsonObject[] = [];
  for (const source of files.slice(0, MAX_FILES)) {
    if (room.isFull) break;
    try {
      const content = await readProjectText(source, project);
      if (!content || content.cut) throw new TypeError(content ? 'too large' : 'not a text');
      room.take(content.text.length);
      const { fields, body } = await parseFrontmatter(content.text);
      definitions.push({
        ...definitionOf(fields, path.basename(source)),
        system_prompt: body,
        source,
        level,
      });
    } catch (error) {
      warn(source, errorMessage(error));
    }
  }
  return definitions;
}

/** Fields of a file, whose writers know lists of words, as those of a request. */
function definitionOf(fields: JsonObject, file: string): JsonObject {
  const { mcp_servers, mcpServers, ...rest } = fields;
  const servers = fields['mcp_config'] ?? mcp_servers ?? mcpServers;
  return {
    ...rest,
    name: textOrNull(fields['name']) ?? file.replace(/\.md$/i, ''),
    description: textOrNull(fields['description']) ?? '',
    model: textOrNull(fields['model']) ?? 'inherit',
    color: textOrNull(fields['color']),
    tools: wordsOf(fields['tools']) ?? [],
    skills: wordsOf(fields['skills']) ?? [],
    condenser: condenserOf(fields['condenser']),
    ...(servers === undefined ? {} : { mcp_config: servers }),
  };
}

/** What files say instead of describing a condenser: that there is none, or that it is the usual one. */
const NO_CONDENSER = new Set(['none', 'off', 'false', 'no', 'disable', 'disabled']);
const USUAL_CONDENSER = new Set(['', 'default', 'inherit', 'true', 'yes', 'on']);

/** The condenser of a file as requests have it; what is neither a word nor a description stays as it is. */
function condenserOf(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string' && typeof value !== 'boolean') return value;
  const word = String(value).trim().toLowerCase();
  if (NO_CONDENSER.has(word)) return { kind: 'NoOpCondenser' };
  return USUAL_CONDENSER.has(word) ? null : value;
}

/** `Read, Bash`, `Read Bash` or a list; null for anything else. */
export function wordsOf(value: unknown): string[] | null {
  if (typeof value === 'string') return value.split(/[\s,]+/).filter((word) => word !== '');
  return Array.isArray(value) ? texts(value) : null;
}

async function inFolders(
  folders: readonly string[],
  read: (folder: string) => Promise<JsonObject[]>,
): Promise<JsonObject[]> {
  const definitions: JsonObject[] = [];
  // One after the other: what there is room for does not depend on which is read faster.
  for (const folder of folders) definitions.push(...(await read(folder)));
  return definitions;
}
