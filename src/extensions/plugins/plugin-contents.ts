import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { readPlugin, type Plugin, type Warn } from '../../agent/index.js';
import type { TextRoom } from '../../files/index.js';

/** A plugin's skill in lists. */
interface PluginSkillSummary {
  name: string;
  description: string | null;
}

/** The content of a plugin in lists. */
export interface PluginContents {
  /** Skills and commands. */
  skills: PluginSkillSummary[];
  /** Relative paths of files. */
  files: string[];
}

/** Reads a plugin and its content for lists. */
export async function readPluginContents(
  folder: string,
  warn: Warn,
  room?: TextRoom,
): Promise<{ plugin: Plugin; contents: PluginContents }> {
  const [plugin, files] = await Promise.all([readPlugin(folder, warn, room), listFiles(folder)]);
  const skills = plugin.skills.map(({ name, description }) => ({ name, description }));
  return { plugin, contents: { skills, files } };
}

/** Most files listed of one extension. */
const MAX_FILES = 2_000;
const MAX_DEPTH = 16;

/** The relative paths of an extension's files, sorted, without `.git`. A missing folder has none. */
async function listFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  await collect(folder, '', files);
  return files.sort();
}

async function collect(root: string, below: string, files: string[]): Promise<void> {
  if (below.split('/').length > MAX_DEPTH) return;
  const entries = await readdir(path.join(root, below), { withFileTypes: true }).catch(() => []);
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (files.length >= MAX_FILES) return;
    const place = path.posix.join(below, entry.name);
    if (entry.isDirectory() && entry.name !== '.git') await collect(root, place, files);
    else if (entry.isFile()) files.push(place);
  }
}
