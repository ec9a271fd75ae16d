import path from 'node:path';
import { errorMessage } from '../../errors/index.js';
import { readProjectText, TextRoom, type UserFolders } from '../../files/index.js';
import { asText, type JsonObject } from '../../json/index.js';
import { parseFrontmatter } from '../skills/files/frontmatter.js';
import { markdownFiles } from '../skills/files/markdown-files.js';
import { stringsIn } from '../skills/skill.js';
import type { Warn } from '../skills/files/skill-folder.js';

/** A project's folders of sub-agent definitions, in order of precedence. */
const FOLDERS = [path.join('.agents', 'agents'), path.join('.openhands', 'agents')];

/** Most files read in one folder. */
const MAX_FILES = 200;

/** Origin of a definition. */
type DefinitionLevel = 'project' | 'user' | 'plugin';

/** Reads a project's definitions of sub-agents: Markdown files, not validated, as in create requests. */
export async function readProjectDefinitions(workspace: string, warn: Warn): Promise<JsonObject[]> {
  const folders = FOLDERS.map((folder) => path.join(workspace, folder));
  const room = new TextRoom();
  return inFolders(folders, (folder) => readDefinitions(folder, 'project', warn, workspace, room));
}

/** Reads the user's definitions for all projects. */
export async function readUserDefinitions(user: UserFolders, warn: Warn): Promise<JsonObject[]> {
  const folders = [path.join(user.agents, 'agents'), path.join(user.openhands, 'agents')];
  const room = new TextRoom();
  return inFolders(folders, (folder) => readDefinitions(folder, 'user', warn, undefined, room));
}

/**
 * Reads the definitions in a folder's Markdown files (except README), or in one file. Unreadable files are
 * skipped and reported.
 * @param project links out of this folder (absolute path) are skipped
 * @param room shared size limit
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
      if (!content || content.cut) throw new TypeError(content ? 'too large' : 'not a text file');
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

/** Converts the fields of a file, which may contain word lists, to those of a request. */
function definitionOf(fields: JsonObject, file: string): JsonObject {
  const { mcp_servers, mcpServers, ...rest } = fields;
  const servers = fields['mcp_config'] ?? mcp_servers ?? mcpServers;
  return {
    ...rest,
    name: asText(fields['name']) ?? file.replace(/\.md$/i, ''),
    description: asText(fields['description']) ?? '',
    model: asText(fields['model']) ?? 'inherit',
    color: asText(fields['color']),
    tools: wordList(fields['tools']) ?? [],
    skills: wordList(fields['skills']) ?? [],
    condenser: condenserOf(fields['condenser']),
    ...(servers === undefined ? {} : { mcp_config: servers }),
  };
}

/** Words in place of a condenser's configuration. */
const NO_CONDENSER = new Set(['none', 'off', 'false', 'no', 'disable', 'disabled']);
const DEFAULT_CONDENSER = new Set(['', 'default', 'inherit', 'true', 'yes', 'on']);

/** The condenser of a file as in requests; other values are kept for validation. */
function condenserOf(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string' && typeof value !== 'boolean') return value;
  const word = String(value).trim().toLowerCase();
  if (NO_CONDENSER.has(word)) return { kind: 'NoOpCondenser' };
  return DEFAULT_CONDENSER.has(word) ? null : value;
}

/** `Read, Bash`, `Read Bash` or a list; null for anything else. */
export function wordList(value: unknown): string[] | null {
  if (typeof value === 'string') return value.split(/[\s,]+/).filter((word) => word !== '');
  return Array.isArray(value) ? stringsIn(value) : null;
}

async function inFolders(
  folders: readonly string[],
  read: (folder: string) => Promise<JsonObject[]>,
): Promise<JsonObject[]> {
  const definitions: JsonObject[] = [];
  // One after another, so that the size limit does not depend on the order of completion.
  for (const folder of folders) definitions.push(...(await read(folder)));
  return definitions;
}
