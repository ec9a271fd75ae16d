import { errorCode } from '../errors/index.js';

/**
 * Whether a process of this machine, and of our namespace, has this number. One of another user counts, too.
 */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user cannot be signalled, but it is there.
    return errorCode(error) === 'EPERM';
  }
}
