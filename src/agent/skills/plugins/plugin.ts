import path from 'node:path';
import { errorMessage } from '../../../errors/index.js';
import { readBoundedText } from '../../../files/index.js';
import type { JsonObject } from '../../agent-spec.js';
import { parseFrontmatter } from '../frontmatter.js';
import { readDefinitions, wordsOf } from '../../sub-agents/definition-files.js';
import { isObject, makeSkill, textOrNull, type Skill } from '../skill.js';
import { markdownFiles } from '../markdown-files.js';
import { readSkillAt, readSkillFolder, type Warn } from '../skill-folder.js';
import { jsonOf, placesOf, readJson } from './plugin-places.js';
import { SourceError } from './plugin-source.js';

/** What a folder in the layout of Claude Code's plugins brings along. */
export interface Plugin {
  name: string;
  version: string;
  description: string;
  /** Absolute path. */
  folder: string;
  /** Its skills, then its commands. */
  skills: Skill[];
  /** Definitions of sub-agents, as create requests have them. */
  agents: JsonObject[];
  /** What its hook file says, unchecked; undefined without one. */
  hooks: unknown;
  /** MCP servers by name, unchecked. */
  mcpServers: Record<string, JsonObject>;
}

/** Commands of one folder. */
const MAX_COMMANDS = 200;

const MANIFESTS = ['.plugin/plugin.json', '.claude-plugin/plugin.json'];

/** What the manifest of a plugin says of it, with what is usual for what it does not say. */
export type PluginFacts = Pick<Plugin, 'name' | 'version' | 'description'>;

/** @param called what its folder is called: plugins without a manifest have that name */
export function pluginFacts(manifest: JsonObject, called: string): PluginFacts {
  const hasManifest = Object.keys(manifest).length > 0;
  return {
    name: textOrNull(manifest['name']) ?? called,
    version: textOrNull(manifest['version']) ?? '1.0.0',
    description: textOrNull(manifest['description']) ?? (hasManifest ? '' : `Plugin loaded from ${called}`),
  };
}

/** The manifest of a plugin as it is; undefined without one that can be read. */
export async function readPluginManifest(folder: string, warn: Warn): Promise<JsonObject | undefined> {
  const manifest = await readManifest(folder, MANIFESTS, warn);
  return Object.keys(manifest).length > 0 ? manifest : undefined;
}

/**
 * The manifest of a plugin that is to be used or installed; undefined for a plugin without one.
 * @throws SourceError naming the file, for one that is no JSON object with a name
 */
export async function checkedPluginManifest(folder: string): Promise<JsonObject | undefined> {
  for (const name of MANIFESTS) {
    let problem: string | undefined;
    const manifest = await readJson(path.join(folder, name), (_file, what) => (problem = what));
    if (problem === undefined && manifest === undefined) continue;
    if (problem === undefined && isObject(manifest) && textOrNull(manifest['name']) !== null) return manifest;
    throw new SourceError(`${path.join(folder, name)}: ${problem ?? 'no JSON object with a name'}`);
  }
  return undefined;
}

/** Reads a plugin. What is broken in it is left out, and `warn` is told. */
export async function readPlugin(folder: string, warn: Warn): Promise<Plugin> {
  const manifest = await readManifest(folder, MANIFESTS, warn);
  const facts = pluginFacts(manifest, path.basename(folder));
  const { name } = facts;
  const places = (field: string): Promise<string[]> => placesOf(folder, field, manifest[field], warn);
  const [skills, commands, agents, hooks, servers] = await Promise.all([
    inOrder(await places('skills'), (place) => readSkills(place, warn)),
    inOrder(await places('commands'), (place) => readCommands(name, place, warn)),
    inOrder(await places('agents'), (place) => readDefinitions(place, 'plugin', warn)),
    jsonOf(folder, path.join('hooks', 'hooks.json'), manifest['hooks'], warn),
    jsonOf(folder, '.mcp.json', manifest['mcpServers'], warn),
  ]);
  return {
    ...facts,
    folder,
    skills: [...skills, ...commands].map((skill) => ({ ...skill, content: located(skill.content, folder) })),
    agents,
    hooks: hooks.length > 0 ? placed(allHooks(hooks), folder) : undefined,
    mcpServers: Object.fromEntries(
      servers.flatMap((list) => Object.entries(serversIn(placed(list, folder)))),
    ),
  };
}

/** The first of several JSON files that is there; an empty object when none is. */
export async function readManifest(folder: string, names: string[], warn: Warn): Promise<JsonObject> {
  for (const name of names) {
    const value = await readJson(path.join(folder, name), warn);
    if (isObject(value)) return value;
  }
  return {};
}

/** The skills in a folder of them, or the one that a folder is. */
async function readSkills(place: string, warn: Warn): Promise<Skill[]> {
  const skills = await readSkillFolder(place, warn);
  if (skills.length > 0) return skills;
  const skill = await readSkillAt(place, warn);
  return skill ? [skill] : [];
}

async function inOrder<T>(places: readonly string[], read: (place: string) => Promise<T[]>): Promise<T[]> {
  return (await Promise.all(places.map(read))).flat();
}

/** Hooks of several files in one: those for the same event one after the other. */
function allHooks(configs: readonly unknown[]): Record<string, unknown[]> {
  const all: Record<string, unknown[]> = {};
  for (const config of configs) {
    const hooks = isObject(config) && isObject(config['hooks']) ? config['hooks'] : config;
    for (const [event, matchers] of Object.entries(isObject(hooks) ? hooks : {})) {
      const list: unknown[] = Array.isArray(matchers) ? matchers : [matchers];
      all[event] = [...(all[event] ?? []), ...list];
    }
  }
  return all;
}

/** Commands are skills that `/plugin:command` in a message brings in. */
async function readCommands(plugin: string, place: string, warn: Warn): Promise<Skill[]> {
  return readMarkdown(place, warn, (source, fields, body, name) => {
    const description = textOrNull(fields['description']);
    const hint = textOrNull(fields['argument-hint']);
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
      allowed_tools: wordsOf(fields['allowed-tools']),
    });
  });
}

async function readMarkdown<T>(
  place: string,
  warn: Warn,
  make: (source: string, fields: JsonObject, body: string, name: string) => T,
): Promise<T[]> {
  const made: T[] = [];
  const files = await markdownFiles(place);
  if (files.length > MAX_COMMANDS) warn(place, `only the first ${MAX_COMMANDS} commands are used`);
  for (const source of files.slice(0, MAX_COMMANDS)) {
    try {
      const content = await readBoundedText(source);
      if (!content) throw new TypeError('not a text');
      const { fields, body } = await parseFrontmatter(content.text);
      made.push(make(source, fields, body, path.basename(source).replace(/\.md$/i, '')));
    } catch (error) {
      warn(source, errorMessage(error));
    }
  }
  return made;
}

function serversIn(list: unknown): Record<string, JsonObject> {
  const servers = isObject(list) && isObject(list['mcpServers']) ? list['mcpServers'] : list;
  const entries = isObject(servers) ? Object.entries(servers) : [];
  return Object.fromEntries(
    entries.flatMap(([name, server]) =>
      isObject(server) ? [[name, { ...server, enabled: server['enabled'] ?? true }]] : [],
    ),
  );
}

/** A plugin says where it is by a variable. Nothing else knows the variable, so its place is put in here. */
function located(text: string, folder: string): string {
  return text.replaceAll('${CLAUDE_PLUGIN_ROOT}', folder);
}

function placed(value: unknown, folder: string): unknown {
  if (typeof value === 'string') return located(value, folder);
  if (Array.isArray(value)) return value.map((item) => placed(item, folder));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, placed(field, folder)]));
}
