import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type {
  ReadTextFileRequest,
  ReadTextFileResponse,
  WriteTextFileRequest,
} from '@agentclientprotocol/sdk';
import { errorCode, errorMessage } from '../../errors/index.js';
import { ConfinedFiles, FileRefusal, insideOnly, NotAFileError, type FileRules } from '../../files/index.js';
import { ClientRequestError, NOT_FOUND } from '../acp-error.js';

/** The largest file that an agent can read (bytes). */
const MAX_FILE = 10 * 1024 * 1024;

/** File access for agents. It is limited to the workspace; what the agent's own process accesses is not. */
export class ClientFiles {
  /**
   * @param root absolute path of the workspace
   * @param rules what the sandbox allows in it
   */
  constructor(
    private readonly root: string,
    private readonly rules?: FileRules,
  ) {}

  /** @throws ClientRequestError */
  async read({ path: file, line, limit }: ReadTextFileRequest): Promise<ReadTextFileResponse> {
    const readText = await this.inWorkspace(file, (files, target) => readBounded(files, target, file));
    if (typeof line !== 'number' && typeof limit !== 'number') return { content: readText };
    // Lines are counted from 1.
    const start = Math.max(0, (line ?? 1) - 1);
    const lines = readText.split('\n').slice(start, typeof limit === 'number' ? start + limit : undefined);
    return { content: lines.join('\n') };
  }

  /** @throws ClientRequestError */
  async write({ path: file, content }: WriteTextFileRequest): Promise<void> {
    await this.inWorkspace(file, async (files, target) => {
      await files.makeFolder(path.dirname(target));
      await files.replace(target, content);
    });
  }

  /**
   * Resolves a path of a folder, following links.
   * @throws ClientRequestError if it is outside of the workspace, or missing
   */
  async resolveInside(folder: string): Promise<string> {
    return this.inWorkspace(folder, (files, target) => files.realPath(target));
  }

  private async inWorkspace<T>(
    shown: string,
    work: (files: ConfinedFiles, target: string) => Promise<T>,
  ): Promise<T> {
    if (shown.includes('\0')) throw new ClientRequestError('The path has a null character');
    try {
      const root = await realpath(this.root);
      const target = path.resolve(root, shown);
      const outside = new ConfinedFiles(insideOnly(root));
      await outside.kind(target).catch((error: unknown) => {
        if (!(error instanceof FileRefusal)) throw error;
        throw new ClientRequestError(`${shown} is outside the workspace`);
      });
      return await work(new ConfinedFiles(insideOnly(root, this.rules)), target);
    } catch (error) {
      throw toClientError(shown, error);
    }
  }
}

async function readBounded(files: ConfinedFiles, target: string, shown: string): Promise<string> {
  const { handle, stats } = await files.open(target);
  try {
    if (stats.size > MAX_FILE) throw new ClientRequestError(`${shown} is larger than ${MAX_FILE} bytes`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function toClientError(file: string, error: unknown): ClientRequestError {
  if (error instanceof ClientRequestError) return error;
  if (error instanceof FileRefusal) return new ClientRequestError(error.message);
  const code = errorCode(error);
  if (error instanceof NotAFileError || code === 'EISDIR')
    return new ClientRequestError(`${file} is not a file`);
  if (code === 'ENOENT') return new ClientRequestError(`${file} does not exist`, NOT_FOUND);
  return new ClientRequestError(`${file}: ${code ?? errorMessage(error)}`);
}
