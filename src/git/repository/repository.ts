import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errorCode } from '../../errors/index.js';
import { makeTemporaryFolder } from '../../files/index.js';
import { GitPathError } from '../git-errors.js';
import type { GitBounds } from './git-bounds.js';
import { findGitFolder, gitFolderAt, nameIn, PLAIN_READ, type GitFolder } from './git-folder.js';
import { assertPlain, assertPlainFiles } from './plain-files.js';
import { runGit, type GitEnvironment, type GitRunOptions } from './run-git.js';

/** Git with which nothing outside the repository counts, nothing is fetched, and nobody is asked. */
const READ_ENVIRONMENT = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_NO_LAZY_FETCH: '1',
  GIT_ALLOW_PROTOCOL: '',
  GIT_TERMINAL_PROMPT: '0',
  LC_ALL: 'C',
} as const;

/** Settings of the folder that git works with in the place of `.git`. */
const OUR_SETTINGS = [
  '[core]',
  'repositoryformatversion = 1',
  'bare = false',
  'hooksPath = /dev/null',
  'fsmonitor = false',
  'quotePath = false',
  '[gc]',
  'auto = 0',
];

/** Settings of a repository that say how its files are to be read; all others are left where they are. */
const WANTED =
  '^(core\\.(filemode|ignorecase|autocrlf|eol|symlinks|precomposeunicode)|extensions\\.(objectformat|refstorage)|remote\\.origin\\.url)$';
const PLAIN_VALUE = /^[A-Za-z0-9]+$/;

/** What is read from the repository itself, by name: objects, references, and data that name no program. */
const LINKED = ['objects', 'refs', 'packed-refs', 'shallow', 'reftable'];
/** Bytes of an index: several million files. */
const MAX_INDEX = 512 * 1024 * 1024;

const EMPTY_TREES: Readonly<Record<string, string>> = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
};

/**
 * A repository to be read that nobody vouches for. Git never sees its configuration, its hooks and its
 * attributes of `.git/info`: it works with a folder of ours, which has a configuration of ours, a copy of the
 * index, and links to objects and references. So whatever the repository configures (monitors, filters,
 * external diffs, pagers, aliases, helpers, other repositories to fetch from) runs nothing, and nothing is
 * written to it.
 */
export class Repository {
  private constructor(
    /** The folder of ours, for what works with the same repository. */
    readonly shadow: string,
    readonly folder: GitFolder,
    private readonly settings: ReadonlyMap<string, string>,
    /** Where its parts may be; undefined: anywhere. */
    readonly bounds: GitBounds | undefined,
  ) {}

  /**
   * Opens the repository that a folder (real path) lies in. Close it.
   * @param bounds where its parts may be; undefined: anywhere
   * @param exactly only if the folder is the top of one
   * @throws GitPathError for one that cannot be read
   */
  static async open(
    folder: string,
    bounds: GitBounds | undefined,
    exactly = false,
  ): Promise<Repository | undefined> {
    const mayBegin = (at: string): boolean => bounds?.mayBegin(at) ?? true;
    const found = exactly ? await gitFolderAt(folder) : await findGitFolder(folder, mayBegin);
    if (!found) return undefined;
    await bounds?.assertHolds(found);
    await assertPlainFiles(found, folder);
    const shadow = await makeTemporaryFolder('git');
    try {
      return await Repository.shadowed(found, shadow, bounds);
    } catch (error) {
      await rm(shadow, { recursive: true, force: true });
      throw error;
    }
  }

  private static async shadowed(
    folder: GitFolder,
    shadow: string,
    bounds: GitBounds | undefined,
  ): Promise<Repository> {
    const settings = await settingsOf(folder);
    const repository = new Repository(shadow, folder, settings, bounds);
    const { own, common } = folder;
    await writeFile(path.join(shadow, 'HEAD'), `${(await nameIn(path.join(own, 'HEAD'))) ?? ''}\n`);
    await writeFile(path.join(shadow, 'config'), configuration(settings));
    await mkdir(path.join(shadow, 'info'));
    await symlink(path.join(common, 'info', 'exclude'), path.join(shadow, 'info', 'exclude'));
    for (const name of LINKED) await symlink(path.join(common, name), path.join(shadow, name));
    await copyIndex(path.join(own, 'index'), path.join(shadow, 'index'));
    // Parts of an index that is split.
    for (const name of await readdir(own)) {
      if (!name.startsWith('sharedindex.')) continue;
      await assertPlain(path.join(own, name));
      await symlink(path.join(own, name), path.join(shadow, name));
    }
    return repository;
  }

  /** The name of a tree without files. */
  get emptyTree(): string {
    return EMPTY_TREES[this.settings.get('extensions.objectformat') ?? 'sha1'] ?? '';
  }

  /** Where it was cloned from, as configured. */
  get remote(): string | undefined {
    return this.settings.get('remote.origin.url');
  }

  /**
   * Runs git in it.
   * @param cwd real path of a folder inside; the default is its top
   * @throws GitCommandError
   */
  git(args: readonly string[], cwd = this.folder.top): Promise<Buffer> {
    return this.run(args, { cwd });
  }

  /**
   * The same with more to say: an environment besides, a file for the output, another time limit.
   * @throws GitCommandError
   */
  run(args: readonly string[], { env, ...options }: Partial<GitRunOptions>): Promise<Buffer> {
    const { top } = this.folder;
    const own: GitEnvironment = { ...READ_ENVIRONMENT, GIT_DIR: this.shadow, GIT_WORK_TREE: top };
    return runGit(args, { cwd: top, ...options, env: { ...own, ...env } });
  }

  /** The same, and undefined where git fails. */
  async tryGit(args: readonly string[], options: Partial<GitRunOptions> = {}): Promise<string | undefined> {
    return this.run(args, options).then(
      (output) => output.toString().trim(),
      () => undefined,
    );
  }

  close(): Promise<void> {
    return rm(this.shadow, { recursive: true, force: true });
  }
}

/** Reads settings out of a file, without includes. It is the only thing that is read of it. */
async function settingsOf({ common }: GitFolder): Promise<Map<string, string>> {
  const file = path.join(common, 'config');
  const env = { ...READ_ENVIRONMENT, GIT_DIR: '/dev/null' };
  const args = ['config', '--file', file, '--no-includes', '-z', '--get-regexp', WANTED];
  // Without any of them it ends with 1, and with a configuration that cannot be read we do without.
  const output = await runGit(args, { cwd: '/', env }).catch(() => Buffer.alloc(0));
  const entries = output
    .toString()
    .split('\0')
    .flatMap((entry): [string, string][] => {
      const end = entry.indexOf('\n');
      return end === -1 ? [] : [[entry.slice(0, end), entry.slice(end + 1)]];
    });
  return new Map(entries);
}

function configuration(settings: ReadonlyMap<string, string>): string {
  const lines = [...OUR_SETTINGS];
  for (const [name, value] of settings) {
    const [section = '', key = ''] = name.split('.');
    if (PLAIN_VALUE.test(value) && section !== 'remote') lines.push(`[${section}]`, `${key} = ${value}`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * Copies an index. Whoever may write to the repository may have put anything in its place: a pipe, whose
 * opening would keep a thread of this process for ever, a device, a file as large as the disk.
 * @throws GitPathError for what is no index
 */
async function copyIndex(from: string, to: string): Promise<void> {
  const handle = await open(from, PLAIN_READ).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new GitPathError('The index of the repository cannot be read');
  });
  if (!handle) return;
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new GitPathError('The index of the repository is not a file');
    if (stats.size > MAX_INDEX) throw new GitPathError('The index of the repository is too large');
    if (stats.size === 0) return;
    const content = handle.createReadStream({ autoClose: false, start: 0, end: stats.size - 1 });
    await pipeline(content, createWriteStream(to));
    // Files that are newer than their index have to be looked into; a copy that looked newer would hide their
    // changes.
    await utimes(to, stats.atime, (stats.mtimeMs - 1) / 1000);
  } finally {
    await handle.close();
  }
}
