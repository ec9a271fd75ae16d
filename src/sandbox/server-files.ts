import { mkdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import type { AppConfig } from '../config/index.js';
import { isInside, persistenceRoot } from '../files/index.js';
import { otherPlaces, otherProcesses } from './other-mounts.js';
import { realPath } from './real-paths.js';
import type { ShownFolder } from './sandbox.js';
import { SandboxError } from './sandbox-error.js';

/** Folders of `~/.openhands` that agents read, and the one in which they keep their memory. */
const READ_BY_AGENTS = ['agents', 'cache', 'microagents', 'plugins', 'skills'];
const WRITTEN_BY_AGENTS = ['memory'];
/** Folders of it that are no workspaces, whatever a client says. */
const OF_THE_SERVER = [
  ...['agent-canvas', 'agent-profiles', 'audit', 'auth', 'key-usage', 'meta-profiles', 'profiles'],
  ...['provider-connections', 'runtime-control', 'runtime-data', 'shares'],
];

/** A folder that is made by nobody but the server, and mounts, are noticed after so long (ms). */
const LOOK_AGAIN_MS = 1_000;

/** A folder whose content programs do not see. */
interface HiddenFolder {
  path: string;
  /** Device and inode: a folder that was moved has another one. Undefined as long as there is none. */
  identity: string | undefined;
}

/** Where the files of the server are. */
interface Places {
  folders: HiddenFolder[];
  /** Other mounts that show the same folders, or processes of the server. They may go. */
  copies: HiddenFolder[];
  /** Folders of which nothing is shown but what a conversation is given of its own. */
  logs: string[];
  shown: ShownFolder[];
}

type FileSettings = Pick<AppConfig, 'base_dir' | 'paths' | 'secretFiles'>;

/** The files of the server that no program of an agent or a client may see. */
export class ServerFiles {
  private known: Places | undefined;
  private isPrepared = false;
  /** Where the folders were found last, as long as not all of them exist. */
  private recent: { folders: string[]; until: number } | undefined;

  /** @param makesFolders false for a trial: a server that nobody uses writes nothing */
  constructor(
    private readonly config: FileSettings,
    private readonly makesFolders = true,
  ) {}

  /**
   * To be called before a program is started. Before the first one, it makes the folders that do not exist
   * yet: what exists only later could be made by a program first.
   * @throws SandboxError if a hidden folder is no longer where it was: a program that can change its parent
   *   could move it out of the way
   */
  check(): void {
    if (!this.isPrepared && this.makesFolders) {
      makeFolders(this.config);
      this.known ??= findPlaces(this.config);
      this.isPrepared = true;
    }
    for (const place of this.places.folders) {
      const identity = identityOf(place.path);
      place.identity ??= identity;
      if (identity !== place.identity) {
        throw new SandboxError(
          `The sandbox does not start programs any more: ${place.path} was moved or replaced. Put it back, or restart the server.`,
        );
      }
    }
  }

  /** What agents are meant to use of the hidden folders. */
  get shown(): readonly ShownFolder[] {
    return this.places.shown;
  }

  /** The hidden folders that exist. */
  get hidden(): string[] {
    const { folders, copies } = this.places;
    return [
      ...folders.filter(({ identity }) => identity !== undefined),
      ...copies.filter((copy) => identityOf(copy.path) === copy.identity),
    ].map((folder) => folder.path);
  }

  /** Real paths of the files with keys and of the configuration, as far as they exist. */
  files(): string[] {
    return this.config.secretFiles.flatMap((file) => realFile(file) ?? []);
  }

  /** Whether something of the server lies below a real path. */
  isAbove(file: string): boolean {
    return [...this.allFolders(), ...this.files()].some((root) => isInside(file, root));
  }

  /** Whether a workspace may be shown although it lies in a folder of the server. */
  mayShow(workspace: string): boolean {
    return (
      this.allFolders().some((folder) => folder !== workspace && isInside(folder, workspace)) &&
      !this.places.logs.some((folder) => isInside(folder, workspace) || isInside(workspace, folder))
    );
  }

  /** Whether a real path belongs to the server, whatever is shown of it. */
  isHidden(file: string): boolean {
    return this.allFolders().some((folder) => isInside(folder, file)) || this.files().includes(file);
  }

  private get places(): Places {
    if (this.known) return this.known;
    const found = findPlaces(this.config);
    if (found.folders.every(({ identity }) => identity !== undefined)) this.known = found;
    return found;
  }

  /** Asked for each file of a large tree: all mounts are read again only from time to time. */
  private allFolders(): string[] {
    const now = performance.now();
    if (this.recent === undefined || now > this.recent.until) {
      const { folders, copies } = this.places;
      const paths = [...folders, ...copies].map((folder) => folder.path);
      this.recent = { folders: paths, until: now + LOOK_AGAIN_MS };
    }
    return this.recent.folders;
  }
}

function foldersOf({ base_dir, paths }: FileSettings): string[] {
  const { conversations, bashEvents } = paths;
  return [conversations, bashEvents, persistenceRoot(base_dir), besideConversations({ paths })];
}

/** The list of workspaces (`storage/`), and what is kept of containers (`containers/`). */
function besideConversations({ paths }: Pick<FileSettings, 'paths'>): string {
  return path.join(path.dirname(paths.conversations), '.openhands');
}

/** Where nothing can be written, nothing has to be hidden. */
function makeFolders(config: FileSettings): void {
  const written = WRITTEN_BY_AGENTS.map((name) => path.join(persistenceRoot(config.base_dir), name));
  for (const folder of [...foldersOf(config), ...written]) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch {
      // It is made by nobody else, either.
    }
  }
}

function findPlaces(config: FileSettings): Places {
  const all = foldersOf(config).map(realPath);
  const outermost = all.filter(
    (folder, index) =>
      all.indexOf(folder) === index && !all.some((other) => other !== folder && isInside(other, folder)),
  );
  const openhands = realPath(persistenceRoot(config.base_dir));
  const roots = [openhands, realPath(besideConversations(config))];
  const { conversations, bashEvents } = config.paths;
  const shownAs = (writable: boolean) => (name: string) => ({ path: path.join(openhands, name), writable });
  return {
    folders: outermost.map(hiddenFolder),
    copies: [...outermost.flatMap((folder) => otherPlaces(folder)), ...otherProcesses()].map(hiddenFolder),
    logs: [
      ...[conversations, bashEvents].map(realPath),
      ...roots.flatMap((root) => OF_THE_SERVER.map((name) => path.join(root, name))),
    ],
    shown: [...READ_BY_AGENTS.map(shownAs(false)), ...WRITTEN_BY_AGENTS.map(shownAs(true))],
  };
}

/** Containers replace secrets by changing links, so links are followed each time. */
function realFile(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}

function hiddenFolder(folder: string): HiddenFolder {
  return { path: folder, identity: identityOf(folder) };
}

function identityOf(folder: string): string | undefined {
  const found = statSync(folder, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}
