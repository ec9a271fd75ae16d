import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import {
  hopOf,
  Locator,
  type ServerAddress,
  ServerForwarder,
  type UpgradeRequest,
} from '../forwarding/index.js';
import { isIdOfServer } from '../storage/index.js';

/** Finds the servers of terminals that belong to no conversation: their ids tell. */
@Injectable()
export class TerminalServers {
  constructor(
    private readonly locator: Locator,
    private readonly forwarder: ServerForwarder,
  ) {}

  /** Where to pass a request for a terminal on to; undefined: this server answers it. */
  async serverFor(terminalId: string, request: IncomingMessage): Promise<ServerAddress | undefined> {
    if (hopOf(request) || isIdOfServer(terminalId, this.locator.selfId)) return undefined;
    return (await this.locator.others()).find(({ serverId }) => isIdOfServer(terminalId, serverId));
  }

  /** Connects the socket of a terminal with its server, or refuses it. @returns false: this server has it */
  async forwardSocket(terminalId: string, client: UpgradeRequest): Promise<boolean> {
    const server = await this.serverFor(terminalId, client.request);
    if (server) await this.forwarder.forwardSocketTo(server, client);
    return server !== undefined;
  }
}
