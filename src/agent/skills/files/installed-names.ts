import path from 'node:path';
import { isMissing, readJsonFile } from '../../../files/index.js';
import { isJsonObject } from '../../../json/index.js';

/** Largest list of installed extensions (bytes). */
const MAX_BYTES = 8 * 1024 * 1024;

/** The names of the enabled extensions in a folder of installed ones. */
export async function enabledNames(folder: string): Promise<string[]> {
  const file = path.join(folder, '.installed.json');
  if (isMissing(file)) return [];
  const list = await readJsonFile(file, { limit: MAX_BYTES }).catch(() => undefined);
  const extensions = isJsonObject(list) && isJsonObject(list['extensions']) ? list['extensions'] : {};
  return Object.entries(extensions).flatMap(([name, entry]) =>
    isJsonObject(entry) && entry['enabled'] !== false && path.basename(name) === name ? [name] : [],
  );
}
