import { existsSync, readdirSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isInside } from '../../files/index.js';
import { realPath } from '../real-scope.js';
import type { ConfinementScope, ShownFolder } from '../sandbox.js';
import type { ServerFiles } from '../server-files.js';
import { hidingMounts, ownFolders, shownMounts } from './guarded-mounts.js';
import type { Mount } from './mounts.js';

/** Folders of the system that programs run from and read. */
const SYSTEM = [
  '/bin',
  '/etc',
  '/gnu',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/nix',
  '/opt',
  '/sbin',
  '/snap',
  '/sys',
  '/usr',
  '/var/lib/dpkg',
];

/** What only root can read of them. */
const SECRET_FILES = ['/etc/shadow', '/etc/shadow-', '/etc/gshadow', '/etc/gshadow-', '/etc/sudoers'];
const SECRET_FOLDERS = [
  '/etc/NetworkManager/system-connections',
  '/etc/ssl/private',
  '/etc/sudoers.d',
  '/etc/wireguard',
];
const HOST_KEYS = '/etc/ssh';

/** What the operator shows besides workspaces (absolute real paths). */
export interface ConfiguredFolders {
  readable: readonly string[];
  writable: readonly string[];
}

/** The folders of a conversation that programs see under other names. */
export interface PrivateFolders {
  tmp: string;
  home: string;
}

/** The folders for `/tmp` and the home folder of a conversation; undefined where nothing is kept. */
export function privateFolders({ folder }: ConfinementScope): PrivateFolders | undefined {
  if (folder === undefined) return undefined;
  return { tmp: path.join(folder, 'sandbox', 'tmp'), home: path.join(folder, 'sandbox', 'home') };
}

/** What programs may change, besides their private folders. */
export function writableFolders(scope: ConfinementScope, configured: ConfiguredFolders): string[] {
  return [scope.root ?? scope.workspace, ...gitFolder(scope), ...configured.writable];
}

/** Where git keeps the commits of a worktree. */
function gitFolder({ repository }: ConfinementScope): string[] {
  return repository === undefined ? [] : [path.join(repository, '.git')];
}

/** What programs may read, besides what they may change. */
export function readableFolders(configured: ConfiguredFolders): string[] {
  return [...SYSTEM.map(realPath), ...configured.readable];
}

/**
 * Only the system, read-only, the workspace and what is configured. `/tmp` and the home folder are private to
 * the conversation. The files of the server are hidden wherever they would be visible.
 */
export function workspaceMounts(
  server: ServerFiles,
  scope: ConfinementScope,
  configured: ConfiguredFolders,
  own: readonly ShownFolder[],
): Mount[] {
  const home = os.homedir();
  const writable = writableFolders(scope, configured);
  const visible: Mount[] = [
    ...SYSTEM.map((at): Mount => ({ at, as: 'read-only', optional: true })),
    ...nameServers(),
    ...configured.readable.map((at): Mount => ({ at, as: 'read-only', optional: true })),
    ...writable.map((at): Mount => ({ at, as: 'writable', optional: true })),
    // Git outside would run what they name.
    ...gitFolder(scope).flatMap((git) =>
      ['config', 'hooks'].map((name): Mount => ({
        at: path.join(git, name),
        as: 'read-only',
        optional: true,
      })),
    ),
  ];
  /** Folders above what is hidden can only be renamed where they can be changed. */
  const isNeeded = ({ at, as }: Mount): boolean => {
    const around = visible.filter((mount) => mount.at !== at && isInside(mount.at, at));
    return around.length > 0 && (as !== 'writable' || around.every((mount) => mount.as === 'writable'));
  };
  return [
    { at: '/proc', as: 'processes' },
    { at: '/dev', as: 'devices' },
    { at: '/run', as: 'scratch' },
    ...privateMounts(privateFolders(scope), home),
    ...visible,
    ...secrets(),
    ...hidingMounts(server).filter(isNeeded),
    ...shownMounts(shownInWorkspaceMode(server, scope)),
    ...shownMounts(own),
  ];
}

/** What programs see of the folders of the server: not the memory that all conversations share. */
export function shownInWorkspaceMode(server: ServerFiles, { folder }: ConfinementScope): ShownFolder[] {
  return [
    ...server.shown.filter(({ writable }) => !writable),
    ...(folder === undefined ? [] : ownFolders(folder)),
  ];
}

function privateMounts(folders: PrivateFolders | undefined, home: string): Mount[] {
  if (!folders) return ['/tmp', '/var/tmp', home].map((at): Mount => ({ at, as: 'scratch' }));
  return [
    { at: '/tmp', as: 'private', from: folders.tmp },
    { at: '/var/tmp', as: 'private', from: folders.tmp },
    { at: home, as: 'private', from: folders.home },
  ];
}

/** The list of name servers is often a link to a file of a service in `/run`. */
function nameServers(): Mount[] {
  const file = realPath('/etc/resolv.conf');
  return isInside('/etc', file) || !existsSync(file) ? [] : [{ at: file, as: 'read-only' }];
}

function secrets(): Mount[] {
  const { files, folders } = secretsOfSystem();
  return [
    ...files.map((at): Mount => ({ at, as: 'blank' })),
    ...folders.map((at): Mount => ({ at, as: 'empty' })),
  ];
}

/** Root can read files that other users cannot. */
export function secretsOfSystem(): { files: string[]; folders: string[] } {
  if (process.getuid?.() !== 0) return { files: [], folders: [] };
  const keys = existsSync(HOST_KEYS) ? readdirSync(HOST_KEYS).filter((name) => name.endsWith('_key')) : [];
  const files = [...SECRET_FILES, ...keys.map((name) => path.join(HOST_KEYS, name))];
  return { files: files.filter(isFile), folders: SECRET_FOLDERS.filter((folder) => existsSync(folder)) };
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}
