import { errorCode } from '../errors/index.js';

/**
 * Whether there is a process with this id in our namespace, including those of other users.
 */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to another user.
    return errorCode(error) === 'EPERM';
  }
}
