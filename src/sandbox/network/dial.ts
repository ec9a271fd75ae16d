import { lookup as systemLookup } from 'node:dns/promises';
import net, { type Socket } from 'node:net';
import { errorCode } from '../../errors/index.js';
import { withTimeout } from '../../flow/index.js';
import { canonicalAddress, isPublic } from './addresses.js';
import type { HostList, HostTarget } from './host-list.js';

/** How long (ms) a name may take to resolve, and an address to answer. */
const LOOKUP_MS = 10_000;
const CONNECT_MS = 10_000;
/** Addresses of a name that are tried. */
const MAX_ADDRESSES = 4;

/** The proxy does not make a connection. The message is for the program that asked. */
export class ProxyRefusal extends Error {
  override readonly name = 'ProxyRefusal';
  constructor(
    readonly status: 400 | 403 | 502 | 503 | 504,
    message: string,
  ) {
    super(message);
  }
}

/** Resolves a name to addresses. */
export type Lookup = (name: string) => Promise<string[]>;

/** The resolver of the machine. */
export const lookupOfMachine: Lookup = async (name) =>
  (await systemLookup(name, { all: true })).map(({ address }) => address);

/**
 * Connects to a listed host. Names are resolved here and only here, and the address that was checked is the
 * one that is connected to, so that a name cannot be moved to an address inside.
 * @throws ProxyRefusal
 */
export async function dial(target: HostTarget, list: HostList, lookup: Lookup): Promise<Socket> {
  const shown = `${target.host}:${target.port}`;
  if (!list.allows(target)) {
    throw new ProxyRefusal(
      403,
      `${shown} is not among the hosts that programs in this sandbox may reach: ${list.texts.join(', ') || 'none'}.`,
    );
  }
  const addresses = target.isAddress ? [target.host] : await resolve(target.host, lookup);
  const { port } = target;
  const allowed = addresses.filter((host) => isPublic(host) || list.allows({ host, isAddress: true, port }));
  if (allowed.length === 0) {
    throw new ProxyRefusal(
      403,
      `${shown} leads to an address that is not on the public internet, and the list of hosts does not name that address.`,
    );
  }
  let failure: unknown;
  for (const host of allowed.slice(0, MAX_ADDRESSES)) {
    try {
      return await connect(host, port);
    } catch (error) {
      failure = error;
    }
  }
  const code = errorCode(failure) ?? 'no answer';
  throw new ProxyRefusal(code === 'ETIMEDOUT' ? 504 : 502, `${shown} cannot be reached: ${code}.`);
}

async function resolve(name: string, lookup: Lookup): Promise<string[]> {
  const fail = (): never => {
    throw new ProxyRefusal(502, `${name} cannot be resolved.`);
  };
  const found = await withTimeout(lookup(name).catch(fail), LOOKUP_MS, fail);
  return found.flatMap((address) => canonicalAddress(address) ?? []);
}

function connect(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, allowHalfOpen: true });
    socket.setTimeout(CONNECT_MS, () =>
      socket.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })),
    );
    // It stays: an error may come before the caller has a handler of its own.
    socket.on('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}
