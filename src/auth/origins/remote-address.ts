import type { IncomingMessage } from 'node:http';

/** Addresses of clients whose requests another server of the cluster has passed on. */
const passedOn = new WeakMap<IncomingMessage, string>();

/** The address of the client's connection, to this server or to another one of the cluster. */
export function remoteAddress(request: IncomingMessage): string | undefined {
  return passedOn.get(request) ?? request.socket.remoteAddress;
}

/** Sets the address of a request that a server of the cluster has passed on. */
export function setRemoteAddress(request: IncomingMessage, address: string): void {
  passedOn.set(request, address);
}
