import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import path from 'node:path';
import type {
  ReadTextFileRequest,
  ReadTextFileResponse,
  WriteTextFileRequest,
} from '@agentclientprotocol/sdk';
import { errorCode, errorMessage } from '../errors/index.js';
import { makeFolder, replaceFile } from '../files/index.js';
import { ClientRefusal, NOT_FOUND } from './acp-error.js';

/** The largest file that is read for an agent (bytes). */
const MAX_FILE = 10 * 1024 * 1024;

/**
 * The files of the workspace, for an agent that asks the server for them. It is kept to the workspace, so
 * that what it does by way of the server is what the person gave it; what it does by itself is up to it.
 */
export class ClientFiles {
  /** @param root absolute path of the workspace */
  constructor(private readonly root: string) {}

  /** @throws ClientRefusal */
  async read({ path: file, line, limit }: ReadTextFileRequest): Promise<ReadTextFileResponse> {
    const text = await this.text(await this.inside(file), file);
    if (typeof line !== 'number' && typeof limit !== 'number') return { content: text };
    // Lines are counted from 1.
    const start = Math.max(0, (line ?? 1) - 1);
    const lines = text.split('\n').slice(start, typeof limit === 'number' ? start + limit : undefined);
    return { content: lines.join('\n') };
  }

  /** @throws ClientRefusal */
  async write({ path: file, content }: WriteTextFileRequest): Promise<void> {
    const target = await this.inside(file);
    try {
      await makeFolder(path.dirname(target));
      await replaceFile(target, content);
    } catch (error) {
      throw refusal(file, error);
    }
  }

  /**
   * The path that is meant, links followed as far as there is something.
   * @throws ClientRefusal when it lies elsewhere
   */
  async inside(file: string): Promise<string> {
    if (file.includes('\0')) throw new ClientRefusal('The path has a null character');
    const root = await realpath(this.root);
    const target = await followed(path.resolve(root, file));
    const below = path.relative(root, target);
    if (below === '..' || below.startsWith(`..${path.sep}`) || path.isAbsolute(below)) {
      throw new ClientRefusal(`${file} is outside the workspace`);
    }
    return target;
  }

  private async text(target: string, shown: string): Promise<string> {
    try {
      // Without O_NONBLOCK a pipe that nobody writes to is not even opened.
      const handle = await open(target, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const stats = await handle.stat();
        if (!stats.isFile()) throw new ClientRefusal(`${shown} is no file`);
        if (stats.size > MAX_FILE) throw new ClientRefusal(`${shown} is larger than ${MAX_FILE} bytes`);
        return await handle.readFile('utf8');
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw refusal(shown, error);
    }
  }
}

/** Without links, also where the end of the path does not exist yet. */
async function followed(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    const parent = path.dirname(file);
    if (errorCode(error) !== 'ENOENT' || parent === file) throw refusal(file, error);
    return path.join(await followed(parent), path.basename(file));
  }
}

function refusal(file: string, error: unknown): ClientRefusal {
  if (error instanceof ClientRefusal) return error;
  const code = errorCode(error);
  if (code === 'ENOENT') return new ClientRefusal(`${file} does not exist`, NOT_FOUND);
  return new ClientRefusal(`${file}: ${code ?? errorMessage(error)}`);
}
