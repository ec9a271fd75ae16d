import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { hopOf, type ServerAddress, ServerForwarder, type UpgradeRequest } from '../forwarding/index.js';
import { isIdOfServer, ServerDirectory, type ServerRecord } from '../storage/index.js';
import { addressOf } from './server-address.js';

/** Finds the servers of terminals that belong to no conversation: their ids tell. */
@Injectable()
export class TerminalServers {
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

  private async others(): Promise<ServerRecord[]> {
    return (await this.servers.list()).filter(({ isSelf }) => !isSelf);
  }
}
