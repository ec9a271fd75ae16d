import { BadRequestException, ForbiddenException, Injectable, NotFoundException } from '@nestjs/common';
import type { Request } from 'express';
import { AppConfig } from '../../config/index.js';
import { errorCode } from '../../errors/index.js';
import { dropRestOfBody } from '../../http/body/rest-of-body.js';
import { FileMissingError } from '../paths/path-guard.js';
import { NoFolderError, type Located, type OpenedFile } from '../paths/path-scope.js';
import { RuntimeScopes } from '../paths/runtime-scopes.js';
import { SafeFolder } from '../paths/safe-folder.js';
import { fileFailure } from './file-errors.js';
import { describeHome, listSubfolders, type HomeView, type SubfolderPage } from './listing.js';
import { upload } from './upload.js';

/**
 * Files of the machine or of a conversation, for clients. A conversation's id confines the paths to its
 * folder.
 */
@Injectable()
export class FilesService {
  constructor(
    private readonly config: AppConfig,
    private readonly scopes: RuntimeScopes,
  ) {}

  /** Writes the file of a form; answers its bytes. */
  async upload(request: Request, target: string, conversationId?: string): Promise<number> {
    try {
      const { paths } = await this.scopes.of(conversationId);
      return await upload(request, paths, target, this.config.max_upload_bytes);
    } catch (error) {
      dropRestOfBody(request);
      throw fileFailure(error);
    }
  }

  /** Opens a file to be sent. */
  async download(file: string, conversationId?: string): Promise<OpenedFile> {
    const { paths } = await this.scopes.of(conversationId);
    return this.failing(async () => {
      const located = await found(paths.locate(file), 'File not found');
      if (located.kind !== 'file') throw new BadRequestException('Path is not a file');
      return paths.openFile(located.path);
    });
  }

  /** Makes a folder with those above it, unless it is there. */
  async makeFolder(folder: string, conversationId?: string): Promise<void> {
    const { paths } = await this.scopes.of(conversationId);
    await this.failing(async () => {
      const located = await paths.locate(folder);
      if (located.kind !== 'folder' && located.kind !== 'missing') {
        throw new BadRequestException('Path exists and is not a directory');
      }
      await (await SafeFolder.make(paths, located, located.missing)).close();
    });
  }

  /** The absolute path of a folder, without links. */
  async folder(folder: string, conversationId?: string): Promise<string> {
    const { paths } = await this.scopes.of(conversationId);
    return this.failing(async () => {
      const located = await found(paths.locate(folder), 'Directory not found');
      if (located.kind !== 'folder') throw new BadRequestException('Path is not a directory');
      return located.path;
    });
  }

  async subfolders(
    folder: string,
    options: { hidden: boolean; limit: number; pageId?: string },
  ): Promise<SubfolderPage> {
    const real = await this.folder(folder);
    return this.failing(async () => {
      try {
        return await listSubfolders(real, folder, options);
      } catch (error) {
        if (errorCode(error) === 'EACCES') throw new ForbiddenException('Permission denied');
        throw error;
      }
    });
  }

  home(hidden: boolean): Promise<HomeView> {
    return describeHome(hidden, this.config.paths.fileRoot ?? undefined);
  }

  private async failing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw fileFailure(error);
    }
  }
}

/** What there is at a path; a path that leads nowhere is not found, whatever the reason. */
async function found(locating: Promise<Located>, missing: string): Promise<Located> {
  const located = await locating.catch((error: unknown) => {
    const isNowhere = error instanceof NoFolderError || errorCode(error) === 'ENAMETOOLONG';
    throw isNowhere ? new FileMissingError(missing) : error;
  });
  if (located.kind === 'missing') throw new NotFoundException(missing);
  return located;
}
