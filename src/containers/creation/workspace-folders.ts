import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import { HttpException } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import type { AppConfig } from '../../config/index.js';
import { type KeyWorkspaces, ownerFilter } from '../../conversations/index.js';
import { isInside, makeFolder, undefinedIfMissing } from '../../files/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { INSIDE } from '../fleet/container-plan.js';

/** What a container sees as `/workspace`, and where in it the conversation works. */
export interface RequestedWorkspace {
  /** A folder of this machine (a real path); undefined: a new one of the conversation's own. */
  folder: string | undefined;
  /** As the server in the container sees it. */
  workingDir: string;
}

/** Which folders of this machine requests may choose. */
export class WorkspaceFolders {
  constructor(
    readonly config: AppConfig,
    private readonly ofKeys: Pick<KeyWorkspaces, 'folderOf' | 'relativeWorkingDir'>,
  ) {}

  /**
   * The folder that a request wants its container to see. For a key of reach `own` that is the folder of the
   * key as a whole, in which nobody else can replace a part by a link before it is mounted.
   * @throws HttpException 422, InvalidRequestError for a folder that the container may not see
   */
  async requested(raw: JsonObject, principal: Principal): Promise<RequestedWorkspace> {
    const { working_dir: given, kind } = asJsonObject(raw['workspace']);
    if (kind !== undefined && kind !== 'LocalWorkspace')
      throw unusable('Docker conversations require a local workspace');
    if (given === undefined || given === null || given === INSIDE.workspace || given === '')
      return { folder: undefined, workingDir: INSIDE.workspace };
    const owner = ownerFilter(principal);
    if (owner === undefined || typeof given !== 'string')
      return { folder: await this.chosen(given), workingDir: INSIDE.workspace };
    const folder = await this.ofKeys.folderOf(owner);
    const inside = this.ofKeys.relativeWorkingDir(folder, given);
    this.assertApart(folder);
    return { folder, workingDir: path.posix.join(INSIDE.workspace, inside) };
  }

  private async chosen(given: unknown): Promise<string> {
    if (typeof given !== 'string' || !path.isAbsolute(given) || given.includes('\0'))
      throw unusable('Conversation workspace must be absolute');
    const wanted = path.resolve(given);
    const roots = [this.config.paths.workspace, ...this.config.conversation_container_workspaces];
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
    this.assertApart(real);
    return real;
  }

  private assertApart(folder: string): void {
    const { conversations } = this.config.paths;
    if (isInside(conversations, folder) || isInside(folder, conversations))
      throw unusable('Conversation workspace must not contain the conversations of the server');
  }
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
