import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import { HttpException } from '@nestjs/common';
import type { AppConfig } from '../../config/index.js';
import { isInside, makeFolder, undefinedIfMissing } from '../../files/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { INSIDE } from '../fleet/container-plan.js';

/**
 * The folder of this machine that a request wants its container to see; undefined: one of its own.
 * @throws HttpException 422 for a folder that containers may not see
 */
export async function requestedWorkspace(raw: JsonObject, config: AppConfig): Promise<string | undefined> {
  const { working_dir: given, kind } = asJsonObject(raw['workspace']);
  if (kind !== undefined && kind !== 'LocalWorkspace')
    throw unusable('Docker conversations require a local workspace');
  if (given === undefined || given === null || given === INSIDE.workspace || given === '') return undefined;
  if (typeof given !== 'string' || !path.isAbsolute(given) || given.includes('\0'))
    throw unusable('Conversation workspace must be absolute');
  const wanted = path.resolve(given);
  const roots = [config.paths.workspace, ...config.conversation_container_workspaces];
  if (!(await isBelow(wanted, roots)))
    throw unusable(
      `Conversation workspace must lie in one of the folders that containers may see: ${roots.join(', ')}. ` +
        'Add its parent to conversation_container_workspaces, or leave the workspace out to get a new folder.',
    );
  await makeFolder(wanted, 0o700);
  const found = await lstat(wanted);
  if (!found.isDirectory()) throw unusable('Conversation workspace must be a real directory');
  const real = await realpath(wanted);
  if (!(await isBelow(real, roots))) throw unusable('Conversation workspace must be a real directory');
  if (isInside(config.paths.conversations, real) || isInside(real, config.paths.conversations))
    throw unusable('Conversation workspace must not contain the conversations of the server');
  return real;
}

/** Whether a folder, or the nearest parent of it that exists, really lies in one of the others. */
async function isBelow(folder: string, roots: readonly string[]): Promise<boolean> {
  const reals = await Promise.all(roots.map((root) => realpath(root).catch(() => root)));
  let existing = folder;
  while ((await lstat(existing).catch(undefinedIfMissing)) === undefined) existing = path.dirname(existing);
  const rest = path.relative(existing, folder);
  const real = path.join(await realpath(existing), rest);
  return reals.some((root) => isInside(root, real));
}

function unusable(detail: string): HttpException {
  return new HttpException({ detail }, 422);
}
