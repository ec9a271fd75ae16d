import path from 'node:path';
import { BadRequestException, Injectable } from '@nestjs/common';
import {
  changesBelow,
  changesOfCommit,
  diffOfCommit,
  diffOfFile,
  GitCommandError,
  GitPathError,
  newestCommits,
  type GitBounds,
  type GitChange,
  type GitCommitsPage,
  type GitDiff,
} from '../../git/index.js';
import { NoFolderError, withPathErrors } from '../paths/path-errors.js';
import { assertNoCredentials } from '../paths/path-guard.js';
import type { Located } from '../paths/path-scope.js';
import { RuntimeScopes } from '../paths/runtime-scopes.js';

/** Git information for clients. Empty for folders without a repository. */
@Injectable()
export class GitService {
  constructor(private readonly scopes: RuntimeScopes) {}

  async changes(given: string, ref: string | null, scope?: string): Promise<GitChange[]> {
    return (
      (await this.inFolder(given, scope, (folder, bounds) =>
        changesBelow(folder, ref ?? undefined, bounds),
      )) ?? []
    );
  }

  async changesOfCommit(given: string, sha: string, scope?: string): Promise<GitChange[]> {
    return (
      (await this.inFolder(given, scope, (folder, bounds) => changesOfCommit(folder, sha, bounds))) ?? []
    );
  }

  async commits(given: string, limit: number, scope?: string): Promise<GitCommitsPage> {
    const page = await this.inFolder(given, scope, (folder, bounds) => newestCommits(folder, limit, bounds));
    return page ?? { commits: [], has_more: false };
  }

  async diff(
    given: string,
    { ref, commit }: { ref: string | null; commit: string | null },
    scope?: string,
  ): Promise<GitDiff> {
    if (ref !== null && commit !== null) {
      throw new BadRequestException("'ref' and 'commit' are mutually exclusive");
    }
    return this.withHttpErrors(async () => {
      const located = await this.locate(given, scope);
      if (!located) throw new GitPathError(`File does not exist: ${given}`);
      assertNoCredentials(located.path.split(path.sep));
      const bounds = await this.bounds(scope);
      return commit === null
        ? diffOfFile(located.path, ref ?? undefined, bounds)
        : diffOfCommit(located.path, commit, bounds);
    });
  }

  private inFolder<T>(
    given: string,
    scope: string | undefined,
    work: (folder: string, bounds: GitBounds | undefined) => Promise<T>,
  ): Promise<T | undefined> {
    return this.withHttpErrors(async () => {
      const located = await this.locate(given, scope);
      return located?.kind === 'folder' ? work(located.path, await this.bounds(scope)) : undefined;
    });
  }

  private async bounds(scope: string | undefined): Promise<GitBounds | undefined> {
    return (await this.scopes.of(scope)).gitBounds();
  }

  /** Undefined for a path whose parent is not a folder. */
  private async locate(given: string, scope: string | undefined): Promise<Located | undefined> {
    const { gitPaths } = await this.scopes.of(scope);
    return gitPaths.locate(given).catch((error: unknown) => {
      if (error instanceof NoFolderError) return undefined;
      throw error;
    });
  }

  private async withHttpErrors<T>(work: () => Promise<T>): Promise<T> {
    return withPathErrors(work).catch((error: unknown) => {
      const isRefusal = error instanceof GitCommandError || error instanceof GitPathError;
      throw isRefusal ? new BadRequestException(error.message) : error;
    });
  }
}
