import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errorCode } from '../../errors/index.js';
import { makeTemporaryFolder } from '../../files/index.js';
import type { Confinement } from '../../sandbox/index.js';
import { GitPathError } from '../git-errors.js';
import type { GitBounds } from './git-bounds.js';
import { findGitFolder, gitFolderAt, firstLineOf, PLAIN_READ, type GitFolder } from './git-folder.js';
import { assertPlain, assertPlainFiles } from './plain-files.js';
import { runGit, type GitEnvironment, type GitRunOptions } from './run-git.js';

/**
 * Environment in which git reads no configuration outside the repository, fetches nothing and never prompts.
 */
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

/** Configuration of the shadow repository. */
const SHADOW_SETTINGS = [
  '[core]',
  'repositoryformatversion = 1',
  'bare = false',
  'hooksPath = /dev/null',
  'fsmonitor = false',
  'quotePath = false',
  '[gc]',
  'auto = 0',
];

/** The settings of a repository that are copied: they say how its files are read. */
const ALLOWED_SETTINGS =
  '^(core\\.(filemode|ignorecase|autocrlf|eol|symlinks|precomposeunicode)|extensions\\.(objectformat|refstorage)|remote\\.origin\\.url)$';
const PLAIN_VALUE = /^[A-Za-z0-9]+$/;

/** Parts of the repository that are linked: objects, references, and data that cannot name a program. */
const LINKED_NAMES = ['objects', 'refs', 'packed-refs', 'shallow', 'reftable'];
/** Maximum size of an index (bytes), enough for several million files. */
const MAX_INDEX = 512 * 1024 * 1024;

const EMPTY_TREES: Readonly<Record<string, string>> = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
};

/**
 * Reads an untrusted repository. Git never sees its configuration, its hooks or the attributes of
 * `.git/info`: it works with a shadow repository in a temporary folder, which has its own configuration, a
 * copy of the index, and links to objects and references. So nothing that the repository configures
 * (monitors, filters, external diffs, pagers, aliases, helpers, promisor remotes) runs a program, and nothing
 * is written to it.
 */
export class Repository {
  private constructor(
    /** The folder of the shadow repository. */
    readonly shadow: string,
    readonly folder: GitFolder,
    private readonly settings: ReadonlyMap<string, string>,
    /** Where its parts may be; undefined means anywhere. */
    readonly bounds: GitBounds | undefined,
  ) {}

  /**
   * Opens the repository that contains a folder (real path). Close it.
   * @param bounds where its parts may be; undefined means anywhere
   * @param exactly only if the folder is the top
   * @throws GitPathError for a repository that must not or cannot be read
   */
  static async open(
    folder: string,
    bounds: GitBounds | undefined,
    exactly = false,
  ): Promise<Repository | undefined> {
    const mayBegin = (at: string): boolean => bounds?.mayContainTop(at) ?? true;
    const found = exactly ? await gitFolderAt(folder) : await findGitFolder(folder, mayBegin);
    if (!found) return undefined;
    await bounds?.assertContains(found);
    await assertPlainFiles(found, folder);
    const shadow = await makeTemporaryFolder('git');
    try {
      return await Repository.openShadow(found, shadow, bounds);
    } catch (error) {
      await rm(shadow, { recursive: true, force: true });
      throw error;
    }
  }

  private static async openShadow(
    folder: GitFolder,
    shadow: string,
    bounds: GitBounds | undefined,
  ): Promise<Repository> {
    const settings = await readSettings(folder, bounds?.confinement);
    const repository = new Repository(shadow, folder, settings, bounds);
    const { own, common } = folder;
    await writeFile(path.join(shadow, 'HEAD'), `${(await firstLineOf(path.join(own, 'HEAD'))) ?? ''}\n`);
    await writeFile(path.join(shadow, 'config'), shadowConfig(settings));
    await mkdir(path.join(shadow, 'info'));
    await symlink(path.join(common, 'info', 'exclude'), path.join(shadow, 'info', 'exclude'));
    for (const name of LINKED_NAMES) await symlink(path.join(common, name), path.join(shadow, name));
    await copyIndex(path.join(own, 'index'), path.join(shadow, 'index'));
    // Parts of a split index.
    for (const name of await readdir(own)) {
      if (!name.startsWith('sharedindex.')) continue;
      await assertPlain(path.join(own, name));
      await symlink(path.join(own, name), path.join(shadow, name));
    }
    return repository;
  }

  /** The id of the empty tree. */
  get emptyTree(): string {
    return EMPTY_TREES[this.settings.get('extensions.objectformat') ?? 'sha1'] ?? '';
  }

  /** The configured URL of `origin`. */
  get remote(): string | undefined {
    return this.settings.get('remote.origin.url');
  }

  /**
   * Runs git in the repository.
   * @param cwd real path of a folder inside; by default the top
   * @throws GitCommandError
   */
  git(args: readonly string[], cwd = this.folder.top): Promise<Buffer> {
    return this.run(args, { cwd });
  }

  /**
   * Like `git`, with more options: additional variables, an output file, another time limit.
   * @throws GitCommandError
   */
  run(args: readonly string[], { env, ...options }: Partial<GitRunOptions>): Promise<Buffer> {
    const { top } = this.folder;
    const own: GitEnvironment = { ...READ_ENVIRONMENT, GIT_DIR: this.shadow, GIT_WORK_TREE: top };
    return runGit(args, {
      ...{ cwd: top, confinement: this.bounds?.confinement, own: [{ path: this.shadow, writable: true }] },
      ...options,
      env: { ...own, ...env },
    });
  }

  /** Like `run`, as trimmed text; undefined when git fails. */
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

/** Reads the allowed settings of the repository's configuration, without includes. */
async function readSettings(
  { common }: GitFolder,
  confinement: Confinement | undefined,
): Promise<Map<string, string>> {
  const file = path.join(common, 'config');
  const env = { ...READ_ENVIRONMENT, GIT_DIR: '/dev/null' };
  const args = ['config', '--file', file, '--no-includes', '-z', '--get-regexp', ALLOWED_SETTINGS];
  // It exits with 1 if there are none; an unreadable configuration counts as empty.
  const output = await runGit(args, { cwd: '/', env, confinement }).catch(() => Buffer.alloc(0));
  const entries = output
    .toString()
    .split('\0')
    .flatMap((entry): [string, string][] => {
      const end = entry.indexOf('\n');
      return end === -1 ? [] : [[entry.slice(0, end), entry.slice(end + 1)]];
    });
  return new Map(entries);
}

function shadowConfig(settings: ReadonlyMap<string, string>): string {
  const lines = [...SHADOW_SETTINGS];
  for (const [name, value] of settings) {
    const [section = '', key = ''] = name.split('.');
    if (PLAIN_VALUE.test(value) && section !== 'remote') lines.push(`[${section}]`, `${key} = ${value}`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * Copies an index. Anything may be in its place: a pipe, which would block a thread for ever, a device, or a
 * file as large as the disk.
 * @throws GitPathError for anything but a file of limited size
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
    // Git compares the content of files that are newer than the index: a newer copy would hide changes.
    await utimes(to, stats.atime, (stats.mtimeMs - 1) / 1000);
  } finally {
    await handle.close();
  }
}
