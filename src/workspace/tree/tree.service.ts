import path from 'node:path';
import { Injectable } from '@nestjs/common';
import {
  GitCommandError,
  GitPathError,
  repositoryTop,
  statesBelow,
  type GitState,
  type GitStates,
} from '../../git/index.js';
import { isInside } from '../../files/index.js';
import { FilesService } from '../files/files.service.js';
import { withPathErrors } from '../paths/path-errors.js';
import { RuntimeScopes } from '../paths/runtime-scopes.js';
import { SafeFolder } from '../paths/safe-folder.js';
import { folderPage, type FolderEntry, type FolderPage, type PageOptions } from './folder-page.js';
import { RecentStates } from './recent-states.js';

/** An entry with what git says of it. */
interface TreeEntry extends FolderEntry {
  /** Null: as in the last commit, or git says nothing. */
  git: GitState | null;
  /** Of a folder: whether something in it is changed or untracked. */
  contains_changes: boolean;
}

/** A level of the tree. */
export interface TreePage extends Omit<FolderPage, 'items'> {
  items: TreeEntry[];
  /** Whether `git` of the entries has a meaning. `none`: not in a repository. */
  git: 'complete' | 'partial' | 'unavailable' | 'none';
}

/** Levels of folders with what git says. */
@Injectable()
export class TreeService {
  private readonly recent = new RecentStates();

  constructor(
    private readonly files: FilesService,
    private readonly scopes: RuntimeScopes,
  ) {}

  /** @throws errors of paths */
  async level(
    given: string,
    options: PageOptions & { git: boolean },
    conversationId: string | undefined,
  ): Promise<TreePage> {
    const real = await this.files.folder(given, conversationId);
    const [page, git] = await Promise.all([
      this.page(real, options, conversationId),
      options.git ? this.statesOf(real, conversationId) : undefined,
    ]);
    if (git === undefined || git === 'unavailable')
      return { ...page, items: page.items.map((item) => withoutGit(item)), git: git ?? 'none' };
    const below = path.relative(git.folder, real);
    const items = page.items.map((item) => withGit(item, below, git));
    return { ...page, items, git: git.truncated ? 'partial' : 'complete' };
  }

  private async page(
    real: string,
    options: PageOptions,
    conversationId: string | undefined,
  ): Promise<FolderPage> {
    const { paths } = await this.scopes.of(conversationId);
    const allows = (file: string): Promise<string | undefined> =>
      paths.locate(file).then(
        (located) => located.path,
        () => undefined,
      );
    return withPathErrors(async () => {
      const folder = await SafeFolder.open(paths, real);
      try {
        return await folderPage(
          { self: folder.self, real: folder.path, at: (name) => folder.at(name) },
          options,
          allows,
        );
      } finally {
        folder.close();
      }
    });
  }

  /**
   * What git says of a folder: asked for the whole folder of the scope, once for all of its levels that are
   * listed at about the same time.
   */
  private async statesOf(
    real: string,
    conversationId: string | undefined,
  ): Promise<GitStates | 'unavailable' | undefined> {
    const scope = await this.scopes.of(conversationId);
    const top = await repositoryTop(real).catch(() => undefined);
    if (top === undefined) return undefined;
    const own = conversationId === undefined ? real : await this.files.folder('./', conversationId);
    const base = isInside(own, top) && top !== own ? top : isInside(own, real) ? own : real;
    try {
      return await this.recent.get(`${conversationId ?? ''} ${base}`, async () =>
        statesBelow(base, await scope.gitBounds()),
      );
    } catch (error) {
      if (error instanceof GitCommandError || error instanceof GitPathError) return 'unavailable';
      throw error;
    }
  }
}

function withoutGit(item: FolderEntry): TreeEntry {
  return { ...item, git: null, contains_changes: false };
}

/** @param below path of the listed folder, relative to that of the states */
function withGit(item: FolderEntry, below: string, { states, changed }: GitStates): TreeEntry {
  const file = below === '' ? item.name : `${below}/${item.name}`;
  const git = states.get(file) ?? inherited(file, states);
  const contains = item.kind === 'folder' && (changed.has(file) || (git !== null && git !== 'ignored'));
  return { ...item, git, contains_changes: contains };
}

/** What is in an untracked or ignored folder is so, too. */
function inherited(file: string, states: ReadonlyMap<string, GitState>): GitState | null {
  for (let at = path.dirname(file); ; at = path.dirname(at)) {
    const state = states.get(at === '.' ? '' : at);
    if (state === 'untracked' || state === 'ignored') return state;
    if (at === '.') return null;
  }
}
