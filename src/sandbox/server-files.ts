import { mkdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import type { AppConfig } from '../config/index.js';
import { isInside, persistenceRoot } from '../files/index.js';
import type { ShownFolder } from './sandbox.js';
import { SandboxError } from './sandbox-error.js';

/** Folders of `~/.openhands` that agents read, and the one in which they keep their memory. */
const READ_BY_AGENTS = ['agents', 'cache', 'microagents', 'plugins', 'skills'];
const WRITTEN_BY_AGENTS = ['memory'];

/** A folder whose content programs do not see, as it was at the start of the server. */
export interface HiddenFolder {
  path: string;
  /** Device and inode: a folder that was moved has another one. */
  identity: string;
}

/** The files of the server that no program of an agent or a client may see. */
export class ServerFiles {
  /** What agents are meant to use of the hidden folders. */
  readonly shown: readonly ShownFolder[];

  private constructor(
    readonly hidden: readonly HiddenFolder[],
    /** Keys and the configuration, as they are named; some may not exist. */
    private readonly named: readonly string[],
    /** Folders of which nothing is shown but what a conversation is given of its own. */
    private readonly logs: readonly string[],
    openhands: string,
  ) {
    this.shown = [
      ...READ_BY_AGENTS.map((name) => ({ path: path.join(openhands, name), writable: false })),
      ...WRITTEN_BY_AGENTS.map((name) => ({ path: path.join(openhands, name), writable: true })),
    ];
  }

  /**
   * Makes the folders that do not exist yet: what exists only later could be made by a program first.
   * @throws if one cannot be made
   */
  static of(config: AppConfig): ServerFiles {
    const { conversations, bashEvents } = config.paths;
    const openhands = persistenceRoot(config.base_dir);
    // Workspaces are listed beside the conversations (`storage/`).
    const workspaces = path.join(path.dirname(conversations), '.openhands');
    const folders = [conversations, bashEvents, openhands, workspaces].map((folder) => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return realpathSync(folder);
    });
    const outermost = folders.filter(
      (folder, index) =>
        folders.indexOf(folder) === index &&
        !folders.some((other) => other !== folder && isInside(other, folder)),
    );
    const hidden = outermost.map((folder) => ({ path: folder, identity: identityOf(folder) ?? '' }));
    for (const name of WRITTEN_BY_AGENTS)
      mkdirSync(path.join(openhands, name), { recursive: true, mode: 0o700 });
    const logs = [conversations, bashEvents].map((folder) => realpathSync(folder));
    return new ServerFiles(hidden, config.secretFiles, logs, realpathSync(openhands));
  }

  /** Real paths of the files with keys and of the configuration, as far as they exist. */
  files(): string[] {
    return this.named.flatMap((file) => realFile(file) ?? []);
  }

  /**
   * A program that can change the parent of a hidden folder could move it out of the way.
   * @throws SandboxError if a hidden folder is no longer where it was
   */
  check(): void {
    for (const { path: folder, identity } of this.hidden) {
      if (identityOf(folder) !== identity) {
        throw new SandboxError(
          `The sandbox does not start programs any more: ${folder} was moved or replaced. Put it back, or restart the server.`,
        );
      }
    }
  }

  /** Whether something of the server lies below a real path. */
  isAbove(realPath: string): boolean {
    const roots = [...this.hidden.map(({ path: folder }) => folder), ...this.files()];
    return roots.some((root) => isInside(realPath, root));
  }

  /** Whether a workspace may be shown although it lies in a folder of the server. */
  mayShow(workspace: string): boolean {
    return (
      this.hidden.some(({ path: folder }) => folder !== workspace && isInside(folder, workspace)) &&
      !this.logs.some((folder) => isInside(folder, workspace) || isInside(workspace, folder))
    );
  }

  /** Whether a real path belongs to the server, whatever is shown of it. */
  isHidden(realPath: string): boolean {
    return (
      this.hidden.some(({ path: folder }) => isInside(folder, realPath)) || this.files().includes(realPath)
    );
  }
}

/** Containers replace secrets by changing links, so links are followed each time. */
function realFile(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}

function identityOf(folder: string): string | undefined {
  const found = statSync(folder, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}
