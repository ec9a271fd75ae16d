import { existsSync } from 'node:fs';
import type { Mount } from './mounts.js';

const INCLUDED_BY_SSH = '/etc/ssh/ssh_config.d';

/**
 * What has to be different where programs are in a user namespace, as for all users but root: files of root
 * belong to nobody there, and ssh does not run if that is so for a file that its configuration includes.
 */
export function mountsOfUserNamespace(): Mount[] {
  if (process.getuid?.() === 0 || !existsSync(INCLUDED_BY_SSH)) return [];
  return [{ at: INCLUDED_BY_SSH, as: 'empty' }];
}
