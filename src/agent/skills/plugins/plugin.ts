import path from 'node:path';
import { errorMessage } from '../../../errors/index.js';
import { readBoundedText, TextRoom } from '../../../files/index.js';
import { isJsonObject, type JsonObject, asText } from '../../../json/index.js';
import { parseFrontmatter } from '../files/frontmatter.js';
import { readDefinitions, wordList } from '../../sub-agents/definition-files.js';
import { makeSkill, type Skill } from '../skill.js';
import { markdownFiles } from '../files/markdown-files.js';
import { readSkillAt, readSkillFolder, type Warn } from '../files/skill-folder.js';
import { readPluginJson, pluginPaths, readJson } from './plugin-paths.js';
import { PluginSourceError } from './plugin-source.js';

/** The content of a plugin folder, in the layout of Claude Code. */
export interface Plugin {
  name: string;
  version: string;
  description: string;
  /** Absolute path. */
  folder: string;
  /** Skills, then commands. */
  skills: Skill[];
  /** Definitions of sub-agents, as in create requests. */
  agents: JsonObject[];
  /** Hook configuration, not validated; undefined without any. */
  hooks: unknown;
  /** MCP servers by name, not validated. */
  mcpServers: Record<string, JsonObject>;
}

/** Most commands of one folder. */
const MAX_COMMANDS = 200;

/**
 * Counted against the size limit for each MCP server (characters): it runs a program, and its tools are part
 * of each request.
 */
const SERVER_ROOM = 32 * 1024;

const MANIFESTS = ['.plugin/plugin.json', '.claude-plugin/plugin.json'];

/** Metadata in a plugin's manifest, with defaults. */
type PluginMetadata = Pick<Plugin, 'name' | 'version' | 'description'>;

/** @param called name of its folder: the default name */
export function pluginMetadata(manifest: JsonObject, called: string): PluginMetadata {
  const hasManifest = Object.keys(manifest).length > 0;
  return {
    name: asText(manifest['name']) ?? called,
    version: asText(manifest['version']) ?? '1.0.0',
    description: asText(manifest['description']) ?? (hasManifest ? '' : `Plugin loaded from ${called}`),
  };
}

/** The manifest of a plugin; undefined if there is no readable one. */
export async function readPluginManifest(folder: string, warn: Warn): Promise<JsonObject | undefined> {
  const manifest = await readManifest(folder, MANIFESTS, warn);
  return Object.keys(manifest).length > 0 ? manifest : undefined;
}

/**
 * The validated manifest of a plugin; undefined for a plugin without one.
 * @throws PluginSourceError naming the file, if it is not a JSON object with a name
 */
export async function checkedPluginManifest(folder: string): Promise<JsonObject | undefined> {
  for (const name of MANIFESTS) {
    let problem: string | undefined;
    const manifest = await readJson(path.join(folder, name), (_file, what) => (problem = what));
    if (problem === undefined && manifest === undefined) continue;
    if (problem === undefined && isJsonObject(manifest) && asText(manifest['name']) !== null) return manifest;
    throw new PluginSourceError(`${path.join(folder, name)}: ${problem ?? 'not a JSON object with a name'}`);
  }
  return undefined;
}

/**
 * Reads a plugin. Broken parts are skipped and reported.
 * @param room shared size limit
 */
export async function readPlugin(
  folder: string,
  warn: Warn,
  room: TextRoom = new TextRoom(),
): Promise<Plugin> {
  const manifest = await readManifest(folder, MANIFESTS, warn);
  const facts = pluginMetadata(manifest, path.basename(folder));
  const { name } = facts;
  const places = (field: string): Promise<string[]> => pluginPaths(folder, field, manifest[field], warn);
  // One after another, so that the size limit does not depend on the order of completion.
  const skills = await inOrder(await places('skills'), (place) => readSkills(place, warn, room));
  const commands = await inOrder(await places('commands'), (place) => readCommands(name, place, warn, room));
  const agents = await inOrder(await places('agents'), (place) =>
    readDefinitions(place, 'plugin', warn, undefined, room),
  );
  const readAll = async (usual: string, field: string): Promise<unknown[]> => {
    const values = room.isFull ? [] : await readPluginJson(folder, usual, manifest[field], warn);
    return takeWhileRoom(values, (value) => insertPluginRoots(value, folder, room), warn, folder);
  };
  const hooks = await readAll(path.join('hooks', 'hooks.json'), 'hooks');
  const servers = (await readAll('.mcp.json', 'mcpServers')).flatMap((list) =>
    Object.entries(serversIn(list)),
  );
  const roomForServer = (server: (typeof servers)[number]): (typeof servers)[number] => {
    room.take(SERVER_ROOM);
    return server;
  };
  return {
    ...facts,
    folder,
    skills: takeWhileRoom(
      [...skills, ...commands],
      (skill) => ({ ...skill, content: insertPluginRoot(skill.content, folder, room) }),
      warn,
      folder,
    ),
    agents,
    hooks: hooks.length > 0 ? mergeHooks(hooks) : undefined,
    mcpServers: Object.fromEntries(takeWhileRoom(servers, roomForServer, warn, folder)),
  };
}

/** Converts values until the size limit is reached, which is reported once. */
function takeWhileRoom<T>(values: readonly T[], use: (value: T) => T, warn: Warn, folder: string): T[] {
  const used: T[] = [];
  try {
    for (const value of values) used.push(use(value));
  } catch (error) {
    warn(folder, errorMessage(error));
  }
  return used;
}

/** The first of several JSON files that exists; an empty object if none does. */
export async function readManifest(folder: string, names: string[], warn: Warn): Promise<JsonObject> {
  for (const name of names) {
    const value = await readJson(path.join(folder, name), warn);
    if (isJsonObject(value)) return value;
  }
  return {};
}

/** The skills in a folder of skills, or the skill of a `SKILL.md` folder. */
async function readSkills(place: string, warn: Warn, room: TextRoom): Promise<Skill[]> {
  const skills = await readSkillFolder(place, warn, undefined, room);
  if (skills.length > 0) return skills;
  const skill = await readSkillAt(place, warn, undefined, room);
  return skill ? [skill] : [];
}

async function inOrder<T>(places: readonly string[], read: (place: string) => Promise<T[]>): Promise<T[]> {
  const all: T[] = [];
  for (const place of places) all.push(...(await read(place)));
  return all;
}

/** Merges hook configurations: matchers of the same event are concatenated. */
function mergeHooks(configs: readonly unknown[]): Record<string, unknown[]> {
  const all: Record<string, unknown[]> = {};
  for (const config of configs) {
    const hooks = isJsonObject(config) && isJsonObject(config['hooks']) ? config['hooks'] : config;
    for (const [event, matchers] of Object.entries(isJsonObject(hooks) ? hooks : {})) {
      const list: unknown[] = Array.isArray(matchers) ? matchers : [matchers];
      all[event] = [...(all[event] ?? []), ...list];
    }
  }
  return all;
}

/** Commands become skills that `/plugin:command` in a message activates. */
async function readCommands(plugin: string, place: string, warn: Warn, room: TextRoom): Promise<Skill[]> {
  return readMarkdown(place, { warn, room }, (source, fields, body, name) => {
    const description = asText(fields['description']);
    const hint = asText(fields['argument-hint']);
    const head = [
      `## ${name}`,
      ...(description === null ? [] : [description]),
      ...(hint === null ? [] : [`**Arguments**: \`$ARGUMENTS\` - ${hint}\n`]),
    ];
    return makeSkill({
      name: `${plugin}:${name}`,
      content: [...head, body].join('\n\n'),
      trigger: { type: 'keyword', keywords: [`/${plugin}:${name}`] },
      source,
      description,
      allowed_tools: wordList(fields['allowed-tools']),
    });
  });
}

async function readMarkdown<T>(
  place: string,
  { warn, room }: { warn: Warn; room: TextRoom },
  make: (source: string, fields: JsonObject, body: string, name: string) => T,
): Promise<T[]> {
  const made: T[] = [];
  const files = await markdownFiles(place);
  if (files.length > MAX_COMMANDS) warn(place, `only the first ${MAX_COMMANDS} commands are used`);
  for (const source of files.slice(0, MAX_COMMANDS)) {
    if (room.isFull) break;
    try {
      const content = await readBoundedText(source);
      if (!content) throw new TypeError('not a text file');
      room.take(content.text.length);
      const { fields, body } = await parseFrontmatter(content.text);
      made.push(make(source, fields, body, path.basename(source).replace(/\.md$/i, '')));
    } catch (error) {
      warn(source, errorMessage(error));
    }
  }
  return made;
}

function serversIn(list: unknown): Record<string, JsonObject> {
  const servers = isJsonObject(list) && isJsonObject(list['mcpServers']) ? list['mcpServers'] : list;
  const entries = isJsonObject(servers) ? Object.entries(servers) : [];
  return Object.fromEntries(
    entries.flatMap(([name, server]) =>
      isJsonObject(server) ? [[name, { ...server, enabled: server['enabled'] ?? true }]] : [],
    ),
  );
}

/** Plugins refer to their folder by a variable that only Claude Code sets, so it is replaced here. */
function insertPluginRoot(text: string, folder: string, room: TextRoom): string {
  const parts = text.split('${CLAUDE_PLUGIN_ROOT}');
  if (parts.length === 1) return text;
  room.take((parts.length - 1) * folder.length);
  return parts.join(folder);
}

function insertPluginRoots(value: unknown, folder: string, room: TextRoom): unknown {
  room.take(typeof value === 'string' ? value.length : 0);
  if (typeof value === 'string') return insertPluginRoot(value, folder, room);
  if (Array.isArray(value)) return value.map((item) => insertPluginRoots(item, folder, room));
  if (!isJsonObject(value)) return value;
  const fields = Object.entries(value).map(([key, field]) => {
    room.take(key.length);
    return [key, insertPluginRoots(field, folder, room)] as const;
  });
  return Object.fromEntries(fields);
}
