import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runGit } from './extension-files.js';

/** Settings of git whose value is a program. */
const PROGRAMS = [
  ...['core.fsmonitor', 'core.pager', 'core.editor', 'core.sshCommand', 'core.askPass', 'core.gitProxy'],
  ...['core.alternateRefsCommand', 'diff.external', 'diff.evil.command', 'diff.evil.textconv'],
  ...[
    'filter.evil.clean',
    'filter.evil.smudge',
    'filter.evil.process',
    'filter.lfs.clean',
    'filter.lfs.smudge',
  ],
  ...['merge.evil.driver', 'gpg.program', 'gpg.ssh.program', 'credential.helper', 'sequence.editor'],
  ...[
    'uploadpack.packObjectsHook',
    'remote.origin.uploadpack',
    'remote.origin.receivepack',
    'tar.tar.gz.command',
  ],
  ...[
    'interactive.diffFilter',
    'pager.diff',
    'pager.log',
    'pager.status',
    'hook.evil.command',
    'trailer.a.cmd',
  ],
  ...['diff.tool', 'browser.evil.cmd', 'ssh.variant'],
];
const ALIASES = [
  ...[
    'diff',
    'status',
    'log',
    'ls-files',
    'rev-parse',
    'add',
    'worktree',
    'checkout',
    'read-tree',
    'update-index',
  ],
];
const SETTINGS: readonly (readonly [string, string])[] = [
  ['log.showSignature', 'true'],
  ['diff.submodule', 'log'],
  ['diff.ignoreSubmodules', 'none'],
  ['status.submoduleSummary', 'true'],
  ['submodule.recurse', 'true'],
  ['protocol.allow', 'always'],
  ['protocol.ext.allow', 'always'],
  ['gc.auto', '1'],
  ['safe.directory', '*'],
  ['remote.origin.promisor', 'true'],
  ['extensions.partialClone', 'origin'],
  ['hook.evil.event', 'reference-transaction'],
];
const HOOKS = [
  ...['post-index-change', 'pre-commit', 'post-checkout', 'reference-transaction', 'fsmonitor-watchman'],
  ...['post-merge', 'update', 'pre-receive', 'post-update', 'pre-push', 'pre-auto-gc', 'post-rewrite'],
];
const ATTRIBUTES = '* filter=evil diff=evil merge=evil\n*.lfs filter=lfs\n';

/** Programs that leave their name in a folder when they are run. */
export class Traps {
  /** @param folder absolute path; it is made */
  constructor(readonly folder: string) {}

  async make(): Promise<void> {
    await mkdir(this.sprungFolder, { recursive: true });
    const script = `#!/bin/sh\n: > '${this.sprungFolder}'/"$(basename "$0")"\n`;
    await writeFile(path.join(this.folder, 'trap.sh'), script);
    await chmod(path.join(this.folder, 'trap.sh'), 0o755);
    await mkdir(path.join(this.folder, 'hooks'));
    for (const hook of HOOKS) await symlink('../trap.sh', path.join(this.folder, 'hooks', hook));
  }

  /** The names of those that were run since. */
  async sprung(): Promise<string[]> {
    return (await readdir(this.sprungFolder)).sort();
  }

  async reset(): Promise<void> {
    for (const name of await this.sprung()) await rm(path.join(this.sprungFolder, name));
  }

  /** The path of a program that leaves this name. */
  async program(name: string): Promise<string> {
    const program = path.join(this.folder, name);
    await symlink('trap.sh', program).catch(() => undefined);
    return program;
  }

  /**
   * Makes a repository run traps wherever git runs a program: by its settings, by files that they include, by
   * hooks.
   * @param repository the folder of its files
   * @param gitFolder the folder that stands for its `.git`
   */
  async poison(repository: string, gitFolder: string): Promise<void> {
    const included = path.join(this.folder, `included-${path.basename(repository)}`);
    await writeFile(included, '');
    const config = path.join(gitFolder, 'config');
    for (const [file, mark] of [
      [config, ''],
      [included, 'included-'],
    ] as const) {
      const set = (name: string, value: string) => runGit(this.folder, 'config', '--file', file, name, value);
      for (const name of PROGRAMS) await set(name, await this.program(`${mark}${name}`));
      for (const name of ALIASES)
        await set(`alias.${name}`, `!${await this.program(`${mark}alias.${name}`)}`);
      for (const [name, value] of SETTINGS) await set(name, value);
      await set('core.hooksPath', path.join(this.folder, 'hooks'));
      await set('remote.origin.url', `ext::${await this.program(`${mark}ext`)} %S`);
      await set('submodule.sub.update', `!${await this.program(`${mark}submodule.update`)}`);
    }
    await runGit(this.folder, 'config', '--file', config, 'include.path', included);
    await runGit(this.folder, 'config', '--file', config, 'includeIf.gitdir:/**.path', included);
    await writeFile(path.join(gitFolder, 'config.worktree'), await readFile(included, 'utf8'));
    await mkdir(path.join(gitFolder, 'info'), { recursive: true });
    await writeFile(path.join(gitFolder, 'info', 'attributes'), ATTRIBUTES);
    await mkdir(path.join(gitFolder, 'hooks'), { recursive: true });
    for (const hook of HOOKS) {
      await rm(path.join(gitFolder, 'hooks', hook), { force: true });
      await symlink(path.join(this.folder, 'hooks', hook), path.join(gitFolder, 'hooks', hook));
    }
    await writeFile(path.join(repository, '.gitattributes'), ATTRIBUTES);
  }

  private get sprungFolder(): string {
    return path.join(this.folder, 'sprung');
  }
}
