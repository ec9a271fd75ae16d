import os from 'node:os';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { WorkspaceElsewhereError } from '../conversation-errors.js';

/** The parts of a state that say where its workspace is. */
interface Located {
  id: string;
  /** Absent if it is not known: then it is taken to be here. */
  workspace_host?: string;
}

/**
 * Where the files of workspaces are, for servers that share a database but not their files: only a server on
 * the host of a workspace can run its agent and serve its files.
 */
@Injectable()
export class WorkspaceHost {
  /** Recorded in new conversations; undefined without a database, where all servers use the same files. */
  readonly name: string | undefined;
  private readonly isShared: boolean;

  constructor({ database_url, workspaces_shared }: AppConfig) {
    this.name = database_url === null ? undefined : os.hostname();
    this.isShared = workspaces_shared;
  }

  /** Whether conversations may have their workspaces on other hosts. */
  get isLimited(): boolean {
    return this.name !== undefined && !this.isShared;
  }

  isHere({ workspace_host }: Located): boolean {
    return !this.isLimited || workspace_host === undefined || workspace_host === this.name;
  }

  /** Why this server cannot use the workspace; undefined if it can. */
  problemOf(state: Located): WorkspaceElsewhereError | undefined {
    if (this.isHere(state)) return undefined;
    return new WorkspaceElsewhereError(state.id, state.workspace_host ?? '', this.name ?? '');
  }

  /** @throws WorkspaceElsewhereError */
  assertHere(state: Located): void {
    const problem = this.problemOf(state);
    if (problem) throw problem;
  }
}
