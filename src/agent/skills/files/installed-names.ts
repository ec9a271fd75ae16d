import path from 'node:path';
import { isMissing, readJsonFile } from '../../../files/index.js';
import { isJsonObject } from '../../../json/index.js';

/** The list of what is installed is larger than what models read (bytes). */
const MAX_BYTES = 8 * 1024 * 1024;

/** The names of what is installed in a folder and switched on. */
export async function enabledNames(folder: string): Promise<string[]> {
  const file = path.join(folder, '.installed.json');
  if (isMissing(file)) return [];
  const list = await readJsonFile(file, { limit: MAX_BYTES }).catch(() => undefined);
  const extensions = isJsonObject(list) && isJsonObject(list['extensions']) ? list['extensions'] : {};
  return Object.entries(extensions).flatMap(([name, entry]) =>
    isJsonObject(entry) && entry['enabled'] !== false && path.basename(name) === name ? [name] : [],
  );
}
