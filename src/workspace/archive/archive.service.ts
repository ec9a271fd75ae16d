import { lstat, open, opendir, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { createGzip } from 'node:zlib';
import { BadRequestException, Injectable } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { ConversationExporter, ConversationsService } from '../../conversations/index.js';
import { makeTemporaryFolder } from '../../files/index.js';
import { Slots } from '../../flow/index.js';
import {
  commitOf,
  currentBranch,
  exportBase,
  gitFolderAt,
  type GitBounds,
  GitCommandError,
  GitPathError,
  Repository,
  writePatch,
} from '../../git/index.js';
import { abortWhenClientLeaves, streamAnswer } from '../../http/index.js';
import { Catalogue, ConversationFolders } from '../../storage/index.js';
import { maskRemote } from '../../text/index.js';
import { FilesService } from '../files/files.service.js';
import { RuntimeScopes } from '../paths/runtime-scopes.js';
import { contentDisposition, percentEncoded, sendOpened } from '../files/send-file.js';
import { Excludes } from './excludes.js';
import { tarArchive } from './tar-archive.js';

/** The requested content of an archive. */
interface ArchiveRequest {
  path: string;
  base_ref: string | null;
  use_default_excludes: boolean;
  exclude: string[] | null;
}

/** Depth of the search for a repository below a folder, and folders that it skips. */
const MAX_DEPTH = 3;
const NOT_ENTERED = new Set(['node_modules', 'venv', 'site-packages', 'vendor']);
/** Maximum number of folders that it visits. */
const MAX_FOLDERS = 5_000;

/** Creates archives for clients while they are sent. */
@Injectable()
export class ArchiveService {
  /** Limits how many logs are opened for trajectories at once. */
  private readonly opening = new Slots(4);

  constructor(
    private readonly files: FilesService,
    private readonly scopes: RuntimeScopes,
    private readonly catalogue: Catalogue,
    private readonly folders: ConversationFolders,
    private readonly exporter: ConversationExporter,
    private readonly conversations: ConversationsService,
  ) {}

  /** Answers with all files of a folder, or of the only repository in it. */
  async sendTarGz(wanted: ArchiveRequest, response: HttpResponse, scope?: string): Promise<void> {
    const folder = await repositoryIn(await this.files.folder(wanted.path, scope));
    const excludes = excludesOf(wanted);
    const { paths, gitBounds } = await this.scopes.of(scope);
    const repository = await opened(folder, await gitBounds(), true);
    try {
      if (repository) await describe(repository, response);
    } finally {
      await repository?.close();
    }
    startDownload(response, `${nameOf(folder)}.tar.gz`, 'application/gzip');
    await streamAnswer(response, tarArchive({ folder, excludes, scope: paths }), createGzip());
  }

  /** Answers with a patch of the changes in a folder since a base. */
  async sendPatch(
    wanted: ArchiveRequest,
    request: HttpRequest,
    response: HttpResponse,
    scope?: string,
  ): Promise<void> {
    const { base_ref } = wanted;
    if (base_ref?.startsWith('-')) throw new BadRequestException("base_ref must not start with '-'");
    const folder = await repositoryIn(await this.files.folder(wanted.path, scope));
    const pathspecs = excludesOf(wanted).pathspecs();
    const { gitBounds } = await this.scopes.of(scope);
    const repository = await opened(folder, await gitBounds());
    if (!repository) throw new BadRequestException(`Not a git repository: Not a git repository: ${folder}`);
    try {
      const base = await exportBase(repository, base_ref ?? undefined).catch((error: unknown) => {
        if (!(error instanceof GitCommandError)) throw error;
        throw new BadRequestException(`base_ref '${base_ref ?? ''}' could not be resolved`);
      });
      if (repository.folder.top === folder) await describe(repository, response);
      if (base !== repository.emptyTree) {
        response.setHeader('X-Archive-Base-Commit', base);
        response.setHeader('X-Archive-Base-Ref', percentEncoded(base_ref ?? 'auto'));
      }
      await this.sendPatchSince(base, { repository, folder, pathspecs }, request, response);
    } finally {
      await repository.close();
    }
  }

  /**
   * Writes the patch to a temporary file, which is removed when the answer was sent or the client has
   * disconnected.
   */
  private async sendPatchSince(
    base: string,
    { repository, folder, pathspecs }: { repository: Repository; folder: string; pathspecs: string[] },
    request: HttpRequest,
    response: HttpResponse,
  ): Promise<void> {
    const scratch = await makeTemporaryFolder('patch');
    let handle: FileHandle | undefined;
    try {
      const file = path.join(scratch, 'patch');
      handle = await open(file, 'wx+', 0o600);
      const wanted = { base, pathspecs, cwd: folder, out: handle, signal: abortWhenClientLeaves(response) };
      await writePatch(repository, wanted).catch((error: unknown) => {
        if (error instanceof GitPathError) throw new BadRequestException(error.message);
        if (!(error instanceof GitCommandError)) throw error;
        throw new BadRequestException('Failed to generate git delta');
      });
      const attachment = { name: `${nameOf(folder)}.patch`, type: 'text/x-patch; charset=utf-8' };
      const opened = { handle, path: file, source: file, stats: await handle.stat() };
      await sendOpened(request, response, opened, { attachment });
    } finally {
      await handle?.close();
      await rm(scratch, { recursive: true, force: true });
    }
  }

  /** Answers with all stored data of a conversation, with secrets masked. */
  async sendTrajectory(conversationId: string, response: HttpResponse): Promise<void> {
    const folder = this.folders.folder(conversationId);
    await this.conversations.save(conversationId);
    const exported = await this.opening.run(() => this.exporter.open(conversationId, 'masked'));
    try {
      startDownload(response, `${path.basename(folder)}.zip`, 'application/octet-stream');
      await streamAnswer(response, exported.zip());
    } finally {
      await exported.close();
    }
  }

  hasConversation(conversationId: string): Promise<boolean> {
    return this.catalogue.has(conversationId);
  }
}

async function opened(
  folder: string,
  bounds: GitBounds | undefined,
  exactly = false,
): Promise<Repository | undefined> {
  return Repository.open(folder, bounds, exactly).catch((error: unknown) => {
    throw error instanceof GitPathError ? new BadRequestException(error.message) : error;
  });
}

function excludesOf({ use_default_excludes, exclude }: ArchiveRequest): Excludes {
  try {
    return new Excludes(use_default_excludes, exclude ?? []);
  } catch (error) {
    if (error instanceof RangeError) throw new BadRequestException(error.message);
    throw error;
  }
}

function nameOf(folder: string): string {
  return path.basename(folder) || 'root';
}

function startDownload(response: HttpResponse, name: string, type: string): void {
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Disposition', contentDisposition(name));
  response.setHeader('Cache-Control', 'private, no-store');
}

/** Sets headers that describe the repository; its address without passwords and tokens. */
async function describe(repository: Repository, response: HttpResponse): Promise<void> {
  const { remote } = repository;
  const head = await commitOf(repository, 'HEAD');
  const branch = await currentBranch(repository);
  if (remote !== undefined) response.setHeader('X-Archive-Repo-Remote', percentEncoded(maskRemote(remote)));
  if (head !== undefined) {
    response.setHeader('X-Archive-Branch', percentEncoded(branch ?? 'DETACHED'));
    response.setHeader('X-Archive-Head-Commit', head);
  }
  response.setHeader('X-Archive-Repo-Root', percentEncoded(repository.folder.top));
}

/**
 * The folder itself if it is a repository, else the only repository within a few levels below it, else the
 * folder.
 */
async function repositoryIn(folder: string): Promise<string> {
  if (await hasGit(folder)) return folder;
  const found: string[] = [];
  let level = [folder];
  let looked = 0;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const next: string[] = [];
    for (const at of level) {
      for (const child of await enterable(at)) {
        if ((looked += 1) > MAX_FOLDERS) return folder;
        if (!(await hasGit(child))) next.push(child);
        else if (found.push(child) > 1) return folder;
      }
    }
    level = next;
  }
  return found[0] ?? folder;
}

async function enterable(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of await opendir(folder)) {
      const { name } = entry;
      if (entry.isDirectory() && !name.startsWith('.') && !NOT_ENTERED.has(name))
        found.push(path.join(folder, name));
      if (found.length > MAX_FOLDERS) break;
    }
  } catch {
    // Skips an unreadable folder.
  }
  return found;
}

async function hasGit(folder: string): Promise<boolean> {
  const isThere = await lstat(path.join(folder, '.git')).then(
    () => true,
    () => false,
  );
  return isThere && (await gitFolderAt(folder)) !== undefined;
}
