import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { readSkillFile } from '../../agent/index.js';
import { errorMessage } from '../../errors/index.js';
import { InvalidExtensionError } from '../installation/extension-errors.js';
import type { ExtensionMetadata, ExtensionKind, ExtensionOrigin } from '../installation/extension-kind.js';

/** Skills: folders with a `SKILL.md`. The folder has the skill's name, unless it is a whole repository. */
export const SKILL_KIND: ExtensionKind = {
  directory: 'skills',
  label: 'Skill',
  enabledByDefault: true,
  async describe(folder: string, { folderName, isRepository }: ExtensionOrigin): Promise<ExtensionMetadata> {
    const file = (await readdir(folder)).find((name) => name.toLowerCase() === 'skill.md');
    if (file === undefined) throw new InvalidExtensionError('there is no SKILL.md');
    try {
      const skill = await readSkillFile(path.join(folder, file), isRepository ? undefined : folderName);
      return { name: skill.name, version: skill.version, description: skill.description ?? '' };
    } catch (error) {
      throw new InvalidExtensionError(errorMessage(error));
    }
  },
};
