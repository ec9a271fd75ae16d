import type { ProgramStart } from '../sandbox.js';
import type { Mount } from './mounts.js';

/** How programs of the mode `workspace` reach the network. */
export interface NetworkAccess {
  /** Arguments of bubblewrap. */
  options: readonly string[];
  mounts: readonly Mount[];
  wrap(start: ProgramStart): ProgramStart;
  /** A sentence for agents. */
  explanation: string;
}

/** The network of the machine. */
export const NETWORK_ON: NetworkAccess = {
  options: [],
  mounts: [],
  wrap: (start) => start,
  explanation: 'The network works as usual.',
};

/** Only a loopback interface, which the processes of one program share. */
export const NETWORK_OFF: NetworkAccess = {
  options: ['--unshare-net'],
  mounts: [],
  wrap: (start) => start,
  explanation: 'There is no network: nothing can be downloaded, and no other machine can be reached.',
};
