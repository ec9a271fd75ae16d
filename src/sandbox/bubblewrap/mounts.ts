import path from 'node:path';

/** Settings of the kernel that root could change, even to run a program outside (`core_pattern`). */
const KERNEL_SETTINGS = ['acpi', 'bus', 'fs', 'irq', 'mtrr', 'scsi', 'sys', 'sysrq-trigger'].map(
  (name) => `/proc/${name}`,
);

/** What a program sees at a path. */
export interface Mount {
  /** Absolute; real as far as it exists. */
  at: string;
  /**
   * - `writable`, `read-only`: what is there outside
   * - `private`: another folder of the machine, `from`
   * - `empty`: an empty folder that nobody can change; `scratch`: one in memory that everybody can
   * - `folder`: an empty folder, if there is none; `link`: a link to `from`
   * - `blank`: a file that cannot be read
   * - `device`: a device outside; `devices`: the usual harmless devices
   * - `processes`: those of the program
   */ as:
    | 'writable'
    | 'read-only'
    | 'private'
    | 'empty'
    | 'blank'
    | 'device'
    | 'devices'
    | 'processes'
    | 'scratch'
    | 'folder'
    | 'link';
  from?: string;
  /** Left out if there is nothing. */
  optional?: boolean;
  /** Only the administrator can replace it: its identity is not checked. */
  ofSystem?: boolean;
}

/**
 * Arguments of bubblewrap for mounts. Outer ones come first, so that inner ones lie over them; of two at the
 * same path the later one counts.
 */
export function mountArguments(mounts: readonly Mount[]): string[] {
  const last = new Map(mounts.map((mount) => [mount.at, mount]));
  const ordered = [...last.values()].sort((a, b) => depth(a.at) - depth(b.at));
  const sealed = ordered.filter(({ as }) => as === 'empty');
  return [
    ...ordered.flatMap(argumentsOf),
    // Nothing can be put into them, which would be lost or taken for something of the server.
    ...sealed.flatMap(({ at }) => ['--remount-ro', at]),
  ];
}

function argumentsOf({ at, as, from = at, optional = false }: Mount): string[] {
  const kind = optional ? '-try' : '';
  switch (as) {
    case 'writable':
    case 'private':
      return [`--bind${kind}`, from, at];
    case 'read-only':
      return [`--ro-bind${kind}`, from, at];
    case 'device':
      return [`--dev-bind${kind}`, from, at];
    case 'empty':
      return ['--tmpfs', at];
    case 'scratch':
      return ['--tmpfs', at];
    case 'folder':
      return ['--dir', at];
    case 'link':
      return ['--symlink', from, at];
    case 'devices':
      return ['--dev', at];
    case 'processes':
      return ['--proc', at, ...KERNEL_SETTINGS.flatMap((name) => ['--ro-bind-try', name, name])];
    case 'blank':
      return ['--ro-bind', '/dev/null', at];
  }
}

function depth(folder: string): number {
  return folder === '/' ? 0 : folder.split('/').length;
}

/**
 * The folders above a path, without the root. A folder on which something is mounted cannot be renamed, so
 * what lies below keeps its path.
 */
export function foldersAbove(at: string): string[] {
  const folders: string[] = [];
  for (let above = path.dirname(at); above !== '/'; above = path.dirname(above)) folders.unshift(above);
  return folders;
}
