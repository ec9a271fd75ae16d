import type { HostList, NetworkProxy } from '../network/index.js';
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
  close(): Promise<void>;
}

/** The network of the machine. */
export const NETWORK_ON: NetworkAccess = {
  options: [],
  mounts: [],
  wrap: (start) => start,
  explanation: 'The network works as usual.',
  close: () => Promise.resolve(),
};

/** Only a loopback interface, which the processes of one program share. */
export const NETWORK_OFF: NetworkAccess = {
  options: ['--unshare-net'],
  mounts: [],
  wrap: (start) => start,
  explanation: 'There is no network: nothing can be downloaded, and no other machine can be reached.',
  close: () => Promise.resolve(),
};

/** Listed hosts, through a proxy. */
export function networkThrough(proxy: NetworkProxy, hosts: HostList): NetworkAccess {
  return {
    ...NETWORK_OFF,
    wrap: (start) => proxy.wrap(start),
    explanation:
      `The network reaches these hosts only: ${hosts.texts.join(', ')}. Programs get there through the proxy in ` +
      'HTTP_PROXY and HTTPS_PROXY; it answers 403 for others, so do not try them.',
    close: () => proxy.close(),
  };
}
