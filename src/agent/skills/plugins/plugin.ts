import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { errorCode, errorMessage } from '../../../errors/index.js';
import type { JsonObject } from '../../agent-spec.js';
import { readBoundedText } from '../bounded-text.js';
import { parseFrontmatter } from '../frontmatter.js';
import { readDefinitions, wordsOf } from '../../sub-agents/definition-files.js';
import { isObject, makeSkill, textOrNull, type Skill } from '../skill.js';
import { readSkillFolder, type Warn } from '../skill-folder.js';

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

const MANIFESTS = ['.plugin/plugin.json', '.claude-plugin/plugin.json'];

/** Reads a plugin. What is broken in it is left out, and `warn` is told. */
export async function readPlugin(folder: string, warn: Warn): Promise<Plugin> {
  const manifest = await readManifest(folder, MANIFESTS, warn);
  const name = textOrNull(manifest['name']) ?? path.basename(folder);
  const [skills, commands, agents, hooks, servers] = await Promise.all([
    readSkillFolder(path.join(folder, 'skills'), warn),
    readCommands(name, folder, warn),
    readDefinitions(path.join(folder, 'agents'), 'plugin', warn),
    readJson(path.join(folder, 'hooks', 'hooks.json'), warn),
    readJson(path.join(folder, '.mcp.json'), warn),
  ]);
  const list = isObject(servers) && isObject(servers['mcpServers']) ? servers['mcpServers'] : servers;
  return {
    name,
    version: textOrNull(manifest['version']) ?? '1.0.0',
    description: textOrNull(manifest['description']) ?? `Plugin loaded from ${path.basename(folder)}`,
    folder,
    skills: [...skills, ...commands].map((skill) => ({ ...skill, content: located(skill.content, folder) })),
    agents,
    hooks: placed(hooks, folder),
    mcpServers: isObject(list) ? serversIn(placed(list, folder)) : {},
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

async function readJson(file: string, warn: Warn): Promise<unknown> {
  try {
    const content = await readBoundedText(file);
    return content === undefined ? undefined : JSON.parse(content.text);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') warn(file, errorMessage(error));
    return undefined;
  }
}

/** Commands are skills that `/plugin:command` in a message brings in. */
async function readCommands(plugin: string, folder: string, warn: Warn): Promise<Skill[]> {
  return readMarkdown(path.join(folder, 'commands'), warn, (source, fields, body, name) => {
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
  folder: string,
  warn: Warn,
  make: (source: string, fields: JsonObject, body: string, name: string) => T,
): Promise<T[]> {
  const entries = await readdir(folder).catch(() => []);
  const made: T[] = [];
  for (const entry of entries.filter((name) => /\.md$/i.test(name)).sort()) {
    const source = path.join(folder, entry);
    try {
      const content = await readBoundedText(source);
      if (!content) throw new TypeError('not a text');
      const { fields, body } = await parseFrontmatter(content.text);
      made.push(make(source, fields, body, entry.replace(/\.md$/i, '')));
    } catch (error) {
      warn(source, errorMessage(error));
    }
  }
  return made;
}

function serversIn(list: unknown): Record<string, JsonObject> {
  const entries = isObject(list) ? Object.entries(list) : [];
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
