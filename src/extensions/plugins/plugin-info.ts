import { readPlugin, type Plugin } from '../../agent/skills/plugins/index.js';
import type { TextRoom } from '../../files/index.js';
import type { Warn } from '../../agent/skills/index.js';
import { filesOf } from '../installation/installed-files.js';

/** What lists say of a skill in a plugin. */
export interface PluginSkillSummary {
  name: string;
  description: string | null;
}

/** What a plugin brings along, for lists. */
export interface PluginContents {
  /** Its skills and commands. */
  skills: PluginSkillSummary[];
  /** Files by path below the plugin. */
  files: string[];
}

/** Reads a plugin with what lists show of its contents. */
export async function readContents(
  folder: string,
  warn: Warn,
  room?: TextRoom,
): Promise<{ plugin: Plugin; contents: PluginContents }> {
  const [plugin, files] = await Promise.all([readPlugin(folder, warn, room), filesOf(folder)]);
  const skills = plugin.skills.map(({ name, description }) => ({ name, description }));
  return { plugin, contents: { skills, files } };
}
