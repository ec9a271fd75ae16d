import { Injectable } from '@nestjs/common';
import type { Request as HttpRequest } from 'express';
import { AppConfig } from '../../config/index.js';
import { errorCode } from '../../errors/index.js';
import { dropRestOfBody } from '../../http/index.js';
import { FileMissingError, NoFolderError, UnusablePathError, withPathErrors } from '../paths/path-errors.js';
import type { Located, OpenedFile } from '../paths/path-scope.js';
import { RuntimeScopes } from '../paths/runtime-scopes.js';
import { SafeFolder } from '../paths/safe-folder.js';
import { describeHome, listSubfolders, type HomeView, type SubfolderPage } from './listing.js';
import { readLines, type LinePosition, type TextLines } from './text-lines.js';
import { upload } from './upload.js';

/** File operations for clients. A conversation id restricts the paths to its folder. */
@Injectable()
export class FilesService {
  constructor(
    private readonly config: AppConfig,
    private readonly scopes: RuntimeScopes,
  ) {}

  /** Writes the file of a form; returns its size in bytes. */
  async upload(request: HttpRequest, target: string, conversationId?: string): Promise<number> {
    try {
      const { paths } = await this.scopes.of(conversationId);
      return await withPathErrors(() => upload(request, paths, target, this.config.max_upload_bytes));
    } catch (error) {
      dropRestOfBody(request);
      throw error;
    }
  }

  /** Opens a file for a download. */
  async download(file: string, conversationId?: string): Promise<OpenedFile> {
    const { paths } = await this.scopes.of(conversationId);
    return withPathErrors(async () => {
      const located = await found(paths.locate(file), 'File not found');
      if (located.kind !== 'file') throw new UnusablePathError('Path is not a file');
      return paths.openFile(located.path);
    });
  }

  /** Some lines of a file. @param position where they begin; see `readLines` */
  async lines(
    file: string,
    position: LinePosition,
    count: number,
    conversationId?: string,
  ): Promise<TextLines> {
    const opened = await this.download(file, conversationId);
    try {
      return await withPathErrors(() => readLines(opened, position, count));
    } finally {
      await opened.handle.close();
    }
  }

  /** Creates a folder and its missing parents. */
  async makeFolder(folder: string, conversationId?: string): Promise<void> {
    const { paths } = await this.scopes.of(conversationId);
    await withPathErrors(async () => {
      const located = await paths.locate(folder);
      if (located.kind !== 'folder' && located.kind !== 'missing') {
        throw new UnusablePathError('Path exists and is not a directory');
      }
      (await SafeFolder.make(paths, located, located.missing)).close();
    });
  }

  /** The real path of a folder. */
  async folder(folder: string, conversationId?: string): Promise<string> {
    const { paths } = await this.scopes.of(conversationId);
    return withPathErrors(async () => {
      const located = await found(paths.locate(folder), 'Directory not found');
      if (located.kind !== 'folder') throw new UnusablePathError('Path is not a directory');
      return located.path;
    });
  }

  async subfolders(
    folder: string,
    options: { hidden: boolean; limit: number; pageId?: string },
  ): Promise<SubfolderPage> {
    const real = await this.folder(folder);
    const { paths } = await this.scopes.of(undefined);
    return withPathErrors(async () => {
      const opened = await SafeFolder.open(paths, real);
      try {
        return await listSubfolders(opened.self, folder, options);
      } finally {
        opened.close();
      }
    });
  }

  home(hidden: boolean): Promise<HomeView> {
    return describeHome(hidden, this.config.paths.fileRoot ?? undefined);
  }
}

/** Resolves a path; any path that cannot exist is reported as not found. */
async function found(locating: Promise<Located>, missing: string): Promise<Located> {
  const located = await locating.catch((error: unknown) => {
    const isNowhere = error instanceof NoFolderError || errorCode(error) === 'ENAMETOOLONG';
    throw isNowhere ? new FileMissingError(missing) : error;
  });
  if (located.kind === 'missing') throw new FileMissingError(missing);
  return located;
}
