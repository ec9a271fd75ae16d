import { existsSync, readdirSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isInside } from '../../files/index.js';
import { realPath } from '../real-paths.js';
import type { ConfinementScope, ShownFolder } from '../sandbox.js';
import type { ServerFiles } from '../server-files.js';
import type { ConfiguredFolders } from '../trial.js';
import { hidingMounts, ownFolders, shownMounts } from './guarded-mounts.js';
import type { Mount } from './mounts.js';
import { repositoryFolders } from './repository-folders.js';
import { mountsOfUserNamespace } from './user-namespace.js';

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
const SECRET_FILES = [
  ...[
    '/etc/shadow',
    '/etc/shadow-',
    '/etc/gshadow',
    '/etc/gshadow-',
    '/etc/sudoers',
    '/etc/security/opasswd',
  ],
  ...['/etc/krb5.keytab', '/etc/ipsec.secrets', '/etc/mysql/debian.cnf', '/etc/docker/key.json'],
];
const SECRET_FOLDERS = [
  ...['/etc/NetworkManager/system-connections', '/etc/ssl/private', '/etc/pki/tls/private', '/etc/sudoers.d'],
  ...['/etc/wireguard', '/etc/openvpn', '/etc/letsencrypt', '/etc/kubernetes', '/etc/rancher'],
];
const HOST_KEYS = '/etc/ssh';

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

/** What programs see besides the system, the files of the server and their private folders. */
export function visibleFolders(
  server: ServerFiles,
  scope: ConfinementScope,
  configured: ConfiguredFolders,
): ShownFolder[] {
  const as = (writable: boolean) => (folder: string) => ({ path: folder, writable });
  return [
    ...configured.readable.map(as(false)),
    ...workspaceFolder(server, scope).map(as(true)),
    ...configured.writable.map(as(true)),
    ...repositoryFolders(scope).filter(({ path: folder }) => mayBeVisible(server, folder)),
  ];
}

function workspaceFolder(server: ServerFiles, { workspace, root = workspace }: ConfinementScope): string[] {
  return mayBeVisible(server, root) ? [root] : [];
}

/** A client may name a folder of the server as a workspace. */
function mayBeVisible(server: ServerFiles, folder: string): boolean {
  return !server.isHidden(folder) || server.mayShow(folder);
}

/** Folders of the system that programs may read. */
export function systemFolders(): string[] {
  return SYSTEM.map(realPath);
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
  const visible: Mount[] = [
    ...SYSTEM.map((at): Mount => ({ at, as: 'read-only', optional: true, ofSystem: true })),
    ...nameServers(),
    ...shownMounts(visibleFolders(server, scope, configured)),
  ];
  /** Folders above what is hidden can only be renamed where they can be changed. */
  const isNeeded = ({ at, as }: Mount): boolean => {
    const around = visible.filter((mount) => isInside(mount.at, at));
    if (as !== 'writable') return around.length > 0;
    return around.length > 0 && around.every((mount) => mount.at !== at && mount.as === 'writable');
  };
  return [
    { at: '/proc', as: 'processes' },
    { at: '/dev', as: 'devices' },
    { at: '/run', as: 'scratch' },
    ...privateMounts(privateFolders(scope), home),
    ...visible,
    ...secrets(),
    ...mountsOfUserNamespace(),
    ...hidingMounts(server).filter(isNeeded),
    ...shownMounts(shownInWorkspaceMode(server, scope)),
    ...ownMounts(own),
  ];
}

/** What the server shows of its own to read may be named by links, and lies where no agent writes. */
function ownMounts(own: readonly ShownFolder[]): Mount[] {
  return shownMounts(own).map((mount) =>
    mount.as === 'read-only' ? { ...mount, from: realPath(mount.at) } : mount,
  );
}

/**
 * The agent was told a path of its workspace on which links may lie, and these are missing with what is
 * around them.
 * @param scope with real paths
 * @param told the workspace as it was named
 */
export function linkToWorkspace(
  server: ServerFiles,
  scope: ConfinementScope,
  configured: ConfiguredFolders,
  told: string,
): Mount[] {
  const visible = [...SYSTEM, ...visibleFolders(server, scope, configured).map(({ path: folder }) => folder)];
  const isThere =
    told === scope.workspace ||
    visible.some((folder) => isInside(folder, told)) ||
    ['/tmp', '/var/tmp', os.homedir()].some((folder) => isInside(told, folder));
  return isThere ? [] : [{ at: told, as: 'link', from: scope.workspace }];
}

/** What programs see of the folders of the server: not the memory that all conversations share. */
export function shownInWorkspaceMode(server: ServerFiles, scope: ConfinementScope): ShownFolder[] {
  const { folder } = scope;
  return [
    ...server.shown.filter(({ writable }) => !writable),
    ...(folder === undefined ? [] : ownFolders(folder)),
    ...workspaceFolder(server, scope)
      .filter((workspace) => server.isHidden(workspace))
      .map((workspace) => ({ path: workspace, writable: true })),
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
  return isInside('/etc', file) || !existsSync(file) ? [] : [{ at: file, as: 'read-only', ofSystem: true }];
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
