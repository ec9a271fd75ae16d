import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { errorCode, errorMessage } from '../../../errors/index.js';
import { readJsonFile } from '../../../files/index.js';
import { isJsonObject } from '../../../json/index.js';
import type { Warn } from '../files/skill-folder.js';

/** Places of one kind that a manifest may name; later ones are not looked at. */
const MAX_PATHS = 100;

/**
 * Where a plugin has its files of one kind: in the usual place, and in those that its manifest names besides.
 * Places that are not there or lead out of the plugin are left out, and `warn` is told.
 * @param named the field of the manifest: a path below the plugin or a list of them
 */
export async function pluginPaths(
  folder: string,
  usual: string,
  named: unknown,
  warn: Warn,
): Promise<string[]> {
  const places = await Promise.all(pathsIn(named).map((place) => pathInside(folder, place, warn)));
  return [...new Set([path.join(folder, usual), ...places.flatMap((place) => place ?? [])])];
}

/**
 * What a plugin says in JSON: in the usual file, and in what its manifest names besides, a file or the JSON
 * itself.
 * @returns each that is there, the usual one first
 */
export async function readPluginJson(
  folder: string,
  usual: string,
  named: unknown,
  warn: Warn,
): Promise<unknown[]> {
  const places = await pluginPaths(folder, usual, named, warn);
  const values = await Promise.all(places.map((place) => readJson(place, warn)));
  return [...values, ...(isJsonObject(named) ? [named] : [])].filter((value) => value !== undefined);
}

/** The value in a JSON file; undefined when there is none that can be read. */
export async function readJson(file: string, warn: Warn): Promise<unknown> {
  try {
    return await readJsonFile(file);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') warn(file, errorMessage(error));
    return undefined;
  }
}

function pathsIn(named: unknown): string[] {
  const list: unknown[] = Array.isArray(named) ? named : [named];
  return list.filter((place) => typeof place === 'string').slice(0, MAX_PATHS);
}

async function pathInside(folder: string, below: string, warn: Warn): Promise<string | undefined> {
  const place = path.resolve(folder, below);
  try {
    const [root, real] = await Promise.all([realpath(folder), realpath(place)]);
    if (real === root || real.startsWith(root + path.sep)) return place;
    warn(place, 'it leads out of the plugin');
  } catch (error) {
    warn(place, errorMessage(error));
  }
  return undefined;
}
