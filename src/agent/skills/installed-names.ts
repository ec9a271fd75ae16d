import path from 'node:path';
import { isMissing } from '../../files/index.js';
import { readBoundedText } from './bounded-text.js';
import { isObject } from './skill.js';

/** The list of what is installed is larger than what models read (bytes). */
const MAX_BYTES = 8 * 1024 * 1024;

/** The names of what is installed in a folder and switched on. */
export async function enabledNames(folder: string): Promise<string[]> {
  const file = path.join(folder, '.installed.json');
  if (isMissing(file)) return [];
  const content = await readBoundedText(file, MAX_BYTES).catch(() => undefined);
  try {
    const list: unknown = JSON.parse(content?.text ?? '{}');
    const extensions = isObject(list) && isObject(list['extensions']) ? list['extensions'] : {};
    return Object.entries(extensions).flatMap(([name, entry]) =>
      isObject(entry) && entry['enabled'] !== false && path.basename(name) === name ? [name] : [],
    );
  } catch {
    return [];
  }
}
