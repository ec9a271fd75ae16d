import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { errorCode, errorMessage, InvalidRequestError } from '../../errors/index.js';
import { isInside, makeFolder } from '../../files/index.js';

const FIELD = ['body', 'workspace', 'working_dir'];
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** The folders of keys whose reach is `own`: their conversations work there and nowhere else. */
@Injectable()
export class KeyWorkspaces {
  constructor(private readonly config: AppConfig) {}

  /** The folder of a key (a real path), made if it is missing. */
  async folderOf(keyId: string): Promise<string> {
    if (!NAME.test(keyId)) throw new TypeError(`a key with the id ${JSON.stringify(keyId)} has no folder`);
    const folder = path.join(this.config.paths.keyWorkspaces, keyId);
    await makeFolder(folder);
    return realpath(folder);
  }

  /**
   * A working directory relative to the folder of a key, which a container sees as a whole: links in it lead
   * to what that container sees.
   * @param given relative to the folder, or absolute
   * @throws InvalidRequestError if it is outside
   */
  relativeWorkingDir(root: string, given: string): string {
    const wanted = path.resolve(root, given);
    if (given.includes('\0') || !isInside(root, wanted)) throw outside(root, given);
    return path.relative(root, wanted);
  }

  /**
   * Makes a working directory in the folder of a key and returns its real path.
   * @param given relative to that folder, or absolute
   * @throws InvalidRequestError if it is outside, also through a symbolic link
   */
  async makeWorkingDir(root: string, given: string): Promise<string> {
    if (given === '') throw new InvalidRequestError(FIELD, 'working_dir must not be empty', given);
    const wanted = path.resolve(root, given);
    try {
      // Names of folders that exist outside are not told: they get the same answer.
      if (!isInside(root, wanted) || !isInside(root, await deepestFolder(wanted))) throw outside(root, given);
      await makeFolder(wanted);
      const real = await realpath(wanted);
      if (!isInside(root, real)) throw outside(root, given);
      return real;
    } catch (error) {
      if (error instanceof InvalidRequestError) throw error;
      throw new InvalidRequestError(FIELD, `working_dir cannot be used: ${errorMessage(error)}`, given);
    }
  }
}

function outside(root: string, given: string): InvalidRequestError {
  return new InvalidRequestError(FIELD, `working_dir must be inside the folder of this key: ${root}`, given);
}

/** The real path of the deepest part of a path that exists. */
async function deepestFolder(wanted: string): Promise<string> {
  for (let folder = wanted; ; folder = path.dirname(folder)) {
    try {
      return await realpath(folder);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' || folder === path.dirname(folder)) throw error;
    }
  }
}
