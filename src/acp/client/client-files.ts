import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import path from 'node:path';
import type {
  ReadTextFileRequest,
  ReadTextFileResponse,
  WriteTextFileRequest,
} from '@agentclientprotocol/sdk';
import { errorCode, errorMessage } from '../../errors/index.js';
import { makeFolder, replaceFile } from '../../files/index.js';
import { ClientRequestError, NOT_FOUND } from '../acp-error.js';

/** The largest file that an agent can read (bytes). */
const MAX_FILE = 10 * 1024 * 1024;

/** File access for agents. It is limited to the workspace; what the agent's own process accesses is not. */
export class ClientFiles {
  /** @param root absolute path of the workspace */
  constructor(private readonly root: string) {}

  /** @throws ClientRequestError */
  async read({ path: file, line, limit }: ReadTextFileRequest): Promise<ReadTextFileResponse> {
    const readText = await this.text(await this.resolveInside(file), file);
    if (typeof line !== 'number' && typeof limit !== 'number') return { content: readText };
    // Lines are counted from 1.
    const start = Math.max(0, (line ?? 1) - 1);
    const lines = readText.split('\n').slice(start, typeof limit === 'number' ? start + limit : undefined);
    return { content: lines.join('\n') };
  }

  /** @throws ClientRequestError */
  async write({ path: file, content }: WriteTextFileRequest): Promise<void> {
    const target = await this.resolveInside(file);
    try {
      await makeFolder(path.dirname(target));
      await replaceFile(target, content);
    } catch (error) {
      throw toClientError(file, error);
    }
  }

  /**
   * Resolves a path, following links of its existing part.
   * @throws ClientRequestError if it is outside of the workspace
   */
  async resolveInside(file: string): Promise<string> {
    if (file.includes('\0')) throw new ClientRequestError('The path has a null character');
    const root = await realpath(this.root);
    const target = await resolveLinks(path.resolve(root, file));
    const below = path.relative(root, target);
    if (below === '..' || below.startsWith(`..${path.sep}`) || path.isAbsolute(below)) {
      throw new ClientRequestError(`${file} is outside the workspace`);
    }
    return target;
  }

  private async text(target: string, shown: string): Promise<string> {
    try {
      // Without O_NONBLOCK opening a pipe without a writer blocks.
      const handle = await open(target, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const stats = await handle.stat();
        if (!stats.isFile()) throw new ClientRequestError(`${shown} is not a file`);
        if (stats.size > MAX_FILE) throw new ClientRequestError(`${shown} is larger than ${MAX_FILE} bytes`);
        return await handle.readFile('utf8');
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw toClientError(shown, error);
    }
  }
}

/** Resolves links, also if the last parts of the path do not exist. */
async function resolveLinks(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    const parent = path.dirname(file);
    if (errorCode(error) !== 'ENOENT' || parent === file) throw toClientError(file, error);
    return path.join(await resolveLinks(parent), path.basename(file));
  }
}

function toClientError(file: string, error: unknown): ClientRequestError {
  if (error instanceof ClientRequestError) return error;
  const code = errorCode(error);
  if (code === 'ENOENT') return new ClientRequestError(`${file} does not exist`, NOT_FOUND);
  return new ClientRequestError(`${file}: ${code ?? errorMessage(error)}`);
}
