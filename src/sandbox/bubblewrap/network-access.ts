import { HostList, NetworkProxy } from '../network/index.js';
import type { ProgramStart } from '../sandbox.js';
import type { Mount } from './mounts.js';

/** How programs of the mode `workspace` reach the network. */
export interface NetworkAccess {
  /** `on`, `off`, or which hosts. */
  name: string;
  /** Arguments of bubblewrap. */
  options: readonly string[];
  mounts: readonly Mount[];
  wrap(start: ProgramStart): ProgramStart;
  /** A sentence for agents. */
  explanation: string;
  /** Ends what belongs to it. */
  close(): Promise<void>;
}

/** The network of the machine. */
export const NETWORK_ON: NetworkAccess = {
  name: 'on',
  options: [],
  mounts: [],
  wrap: (start) => start,
  explanation: 'The network works as usual.',
  close: () => Promise.resolve(),
};

/** Only a loopback interface, which the processes of one program share. */
export const NETWORK_OFF: NetworkAccess = {
  name: 'off',
  options: ['--unshare-net'],
  mounts: [],
  wrap: (start) => start,
  explanation: 'There is no network: nothing can be downloaded, and no other machine can be reached.',
  close: () => Promise.resolve(),
};

/**
 * Only listed hosts, through a proxy.
 * @throws RangeError for an entry that is no host
 */
export async function networkOf(
  hosts: readonly string[],
  onRefusal: (reason: string) => void,
): Promise<NetworkAccess> {
  const proxy = await NetworkProxy.start({ hosts: HostList.parse(hosts), onRefusal });
  return {
    name: `of ${hosts.length} listed ${hosts.length === 1 ? 'host' : 'hosts'}`,
    options: NETWORK_OFF.options,
    mounts: [],
    wrap: (start) => proxy.wrap(start),
    explanation:
      `The network reaches these hosts only, by HTTP and HTTPS through the proxy in HTTPS_PROXY: ${hosts.join(', ')}. ` +
      'Names of other hosts are refused, and other protocols such as ssh do not work.',
    close: () => proxy.close(),
  };
}
