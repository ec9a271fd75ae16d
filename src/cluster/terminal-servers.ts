import type { IncomingMessage } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { errorMessage } from '../errors/index.js';
import { hopOf, type ServerAddress, ServerForwarder, type UpgradeRequest } from '../forwarding/index.js';
import { isIdOfServer, ServerDirectory, type ServerRecord } from '../storage/index.js';
import { addressOf } from './server-address.js';

/** Finds the servers of terminals that belong to no conversation: their ids tell. */
@Injectable()
export class TerminalServers {
  private readonly logger = new Logger('Forwarding');

  constructor(
    private readonly servers: ServerDirectory,
    private readonly forwarder: ServerForwarder,
  ) {}

  /** Where to pass a request for a terminal on to; undefined: this server answers it. */
  async serverFor(terminalId: string, request: IncomingMessage): Promise<ServerAddress | undefined> {
    if (hopOf(request) || isIdOfServer(terminalId, this.servers.selfId)) return undefined;
    const found = (await this.others()).find(({ id }) => isIdOfServer(terminalId, id));
    return found && addressOf(found.id, found);
  }

  /** Connects the socket of a terminal with its server, or refuses it. @returns false: this server has it */
  async forwardSocket(terminalId: string, client: UpgradeRequest): Promise<boolean> {
    const server = await this.serverFor(terminalId, client.request);
    if (server) await this.forwarder.forwardSocketTo(server, client);
    return server !== undefined;
  }

  /**
   * What the other servers answer to a request for a list.
   * @returns in the order of their starts; undefined for one that did not answer
   */
  async answersOfOthers(request: IncomingMessage): Promise<unknown[]> {
    if (hopOf(request)) return [];
    // Without the database it is not known which others there are.
    const others = await this.others().catch(() => undefined);
    return others ? Promise.all(others.map((server) => this.answerOf(server, request))) : [undefined];
  }

  private async others(): Promise<ServerRecord[]> {
    return (await this.servers.list()).filter(({ isSelf }) => !isSelf);
  }

  private async answerOf(server: ServerRecord, request: IncomingMessage): Promise<unknown> {
    try {
      return await this.forwarder.readFrom(addressOf(server.id, server), request);
    } catch (error) {
      this.logger.warn(`the terminals of server ${server.id} are not listed: ${errorMessage(error)}`);
      return undefined;
    }
  }
}
