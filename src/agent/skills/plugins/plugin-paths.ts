import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { errorCode, errorMessage } from '../../../errors/index.js';
import { readJsonFile } from '../../../files/index.js';
import { isJsonObject } from '../../../json/index.js';
import type { Warn } from '../files/skill-folder.js';

/** Most paths of one kind in a manifest; further ones are ignored. */
const MAX_PATHS = 100;

/**
 * The paths of a plugin's files of one kind: the default path and those in its manifest. Missing paths and
 * paths out of the plugin are skipped and reported.
 * @param named the manifest's field: a relative path or a list of them
 */
export async function pluginPaths(
  folder: string,
  defaultPath: string,
  named: unknown,
  warn: Warn,
): Promise<string[]> {
  const places = await Promise.all(pathsIn(named).map((place) => pathInside(folder, place, warn)));
  return [...new Set([path.join(folder, defaultPath), ...places.flatMap((place) => place ?? [])])];
}

/**
 * Reads a plugin's JSON of one kind: the default file, and what its manifest contains instead of or besides
 * paths.
 * @returns all existing values, the default one first
 */
export async function readPluginJson(
  folder: string,
  defaultPath: string,
  named: unknown,
  warn: Warn,
): Promise<unknown[]> {
  const places = await pluginPaths(folder, defaultPath, named, warn);
  const values = await Promise.all(places.map((place) => readJson(place, warn)));
  return [...values, ...(isJsonObject(named) ? [named] : [])].filter((value) => value !== undefined);
}

/** Reads a JSON file; undefined if it is missing or unreadable. */
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
    warn(place, 'the path leads out of the plugin');
  } catch (error) {
    warn(place, errorMessage(error));
  }
  return undefined;
}
