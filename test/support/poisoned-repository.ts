import { appendFile, chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

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
/** The name and the value of a setting. */
type Setting = readonly [string, string];
const SETTINGS: readonly Setting[] = [
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

/** Programs that create a file with their name when they are run. */
export class Traps {
  /** @param folder absolute path; it is created */
  constructor(readonly folder: string) {}

  async make(): Promise<void> {
    await mkdir(this.sprungFolder, { recursive: true });
    const script = `#!/bin/sh\n: > '${this.sprungFolder}'/"$(basename "$0")"\n`;
    await writeFile(path.join(this.folder, 'trap.sh'), script);
    await chmod(path.join(this.folder, 'trap.sh'), 0o755);
    await mkdir(path.join(this.folder, 'hooks'));
    for (const hook of HOOKS) await symlink('../trap.sh', path.join(this.folder, 'hooks', hook));
  }

  /** The names of the programs that were run since the last reset. */
  async sprung(): Promise<string[]> {
    return (await readdir(this.sprungFolder)).sort();
  }

  async reset(): Promise<void> {
    for (const name of await this.sprung()) await rm(path.join(this.sprungFolder, name));
  }

  /** The path of a trap with this name. */
  async program(name: string): Promise<string> {
    const program = path.join(this.folder, name);
    await symlink('trap.sh', program).catch(() => undefined);
    return program;
  }

  /**
   * Makes a repository run traps wherever git could run a program: in settings, in included files and in
   * hooks.
   * @param repository its working directory
   * @param gitFolder its `.git` folder
   */
  async poison(repository: string, gitFolder: string): Promise<void> {
    const included = path.join(this.folder, `included-${path.basename(repository)}`);
    await writeFile(included, await this.configuration('included-'));
    const places: Setting[] = [
      ['include.path', included],
      ['includeIf.gitdir:/**.path', included],
    ];
    const own = (await this.configuration('')) + places.map(asText).join('');
    await appendFile(path.join(gitFolder, 'config'), own);
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

  /** Settings that each run a trap whose name begins with `mark`. */
  private async configuration(mark: string): Promise<string> {
    const program = (name: string) => this.program(`${mark}${name}`);
    const settings: Setting[] = [
      ...SETTINGS,
      ['core.hooksPath', path.join(this.folder, 'hooks')],
      ['remote.origin.url', `ext::${await program('ext')} %S`],
      ['submodule.sub.update', `!${await program('submodule.update')}`],
    ];
    for (const name of PROGRAMS) settings.push([name, await program(name)]);
    for (const name of ALIASES) settings.push([`alias.${name}`, `!${await program(`alias.${name}`)}`]);
    return settings.map(asText).join('');
  }

  private get sprungFolder(): string {
    return path.join(this.folder, 'sprung');
  }
}

/** Formats a setting `section.subsection.key` for a configuration file of git. */
function asText([name, value]: Setting): string {
  const [section = '', ...rest] = name.split('.');
  const key = rest.pop() ?? '';
  const middle = rest.length === 0 ? '' : ` "${rest.join('.')}"`;
  return `[${section}${middle}]\n\t${key} = "${value}"\n`;
}
