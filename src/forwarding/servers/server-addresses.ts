import { Logger } from '@nestjs/common';
import type { AddressProblem, AddressProofs } from '../../crypto/index.js';
import { isHostUrl } from '../../text/index.js';
import { unproven, unreachable, wrongAddress } from './forwarding-errors.js';
import type { ServerAddress } from './locator.js';

/** Most addresses that are named in the log. */
const MAX_REPORTED = 100;

/**
 * The addresses of the other servers, as far as they are trusted: requests carry the session key, and whoever
 * can write the table of servers must not be able to send it elsewhere.
 */
export class ServerAddresses {
  private readonly logger = new Logger('Forwarding');
  private readonly reported = new Set<string>();

  constructor(
    private readonly proofs: AddressProofs,
    /** Servers without a proof are trusted: for the time of an update. */
    private readonly acceptsUnsigned: boolean,
  ) {}

  /** @throws ForwardingError without an address, or with one that the server has not announced itself */
  originOf({ serverId, url, proof }: ServerAddress): URL {
    if (url === null) throw unreachable();
    if (!isHostUrl(url)) throw wrongAddress(serverId);
    const problem = this.proofs.problemOf(serverId, url, proof);
    if (problem === undefined || (problem === 'unsigned' && this.acceptsUnsigned)) return new URL(url);
    this.report(serverId, url, problem);
    throw unproven(problem);
  }

  private report(serverId: string, url: string, problem: AddressProblem): void {
    const address = `${serverId} ${url} ${problem}`;
    if (this.reported.has(address) || this.reported.size >= MAX_REPORTED) return;
    this.reported.add(address);
    this.logger.warn(`server ${serverId} at ${url}: nothing is sent there. ${unproven(problem).message}`);
  }
}
