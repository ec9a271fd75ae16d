import { readdirSync } from 'node:fs';
import path from 'node:path';
import { isInside } from '../../files/index.js';
import type { ConfinementScope, ShownFolder } from '../sandbox.js';
import type { ServerFiles } from '../server-files.js';
import { foldersAbove, type Mount } from './mounts.js';
import { mountsOfUserNamespace } from './user-namespace.js';

/**
 * Devices for graphics, computation, virtual machines, sound, and boards and telephones at a cable; disks and
 * memory are not among them.
 */
const DEVICES = new RegExp(
  [
    '^(?:accel|dri|dxg|fuse|kfd|kvm|media\\d+|net|nvidia[\\w-]*|snd|vhost-\\w+|video\\d+)$',
    '^(?:bus|gpiochip\\d+|hidraw\\d+|i2c-\\d+|serial|spidev[\\d.]+|tty(?:ACM|AMA|S|USB)\\d+)$',
    '^(?:log|mqueue)$',
  ].join('|'),
);
/** They are mounts already. */
const OF_THE_KERNEL = ['/dev', '/proc', '/sys'];

/** Everything as it is outside, but for the files of the server. */
export function guardedMounts(
  server: ServerFiles,
  scope: ConfinementScope,
  own: readonly ShownFolder[],
): Mount[] {
  return [
    { at: '/', as: 'writable' },
    { at: '/proc', as: 'processes' },
    { at: '/sys', as: 'read-only' },
    { at: '/dev', as: 'devices' },
    { at: '/dev/shm', as: 'writable', optional: true },
    ...devices(),
    ...mountsOfUserNamespace(),
    ...hidingMounts(server),
    ...shownMounts([...shownOf(server, scope), ...own]),
  ];
}

/** What agents are meant to use of the folders of the server. */
export function shownOf(server: ServerFiles, { workspace, folder }: ConfinementScope): ShownFolder[] {
  return [
    ...server.shown,
    ...(folder === undefined ? [] : ownFolders(folder)),
    ...(server.mayShow(workspace) ? [{ path: workspace, writable: true }] : []),
  ];
}

/** Long outputs of tools, and what an ACP agent keeps for the conversation. */
export function ownFolders(folder: string): ShownFolder[] {
  return [
    { path: path.join(folder, 'observations'), writable: false },
    { path: path.join(folder, 'acp'), writable: true },
  ];
}

/** Mounts for folders of which some may not exist. */
export function shownMounts(folders: readonly ShownFolder[]): Mount[] {
  return folders.map(({ path: at, writable }): Mount => ({
    at,
    as: writable ? 'writable' : 'read-only',
    optional: true,
  }));
}

/**
 * Hides the files of the server. Folders above what is hidden are mounted on themselves, so that they cannot
 * be renamed.
 */
export function hidingMounts(server: ServerFiles): Mount[] {
  const files = server.files();
  const { hidden } = server;
  const isBelowHidden = (at: string): boolean => hidden.some((outer) => isInside(outer, at));
  const roots = [...files, ...hidden];
  return [
    ...roots
      .flatMap(foldersAbove)
      .filter((at) => !isBelowHidden(at) && !OF_THE_KERNEL.includes(at))
      .map((at): Mount => ({ at, as: 'writable' })),
    ...hidden.map((at): Mount => ({ at, as: 'empty' })),
    ...files.filter((file) => !isBelowHidden(file)).map((at): Mount => ({ at, as: 'blank' })),
  ];
}

function devices(): Mount[] {
  const names = readdirSync('/dev').filter((name) => DEVICES.test(name));
  return names.map((name): Mount => ({ at: `/dev/${name}`, as: 'device', optional: true }));
}
