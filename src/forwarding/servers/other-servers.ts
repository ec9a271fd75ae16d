import type { IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import { hopOf } from '../hop/hop-receiver.js';
import type { Locator, ServerAddress } from './locator.js';
import type { ServerForwarder } from './server-forwarder.js';

/** Asks all other servers of the cluster, for what only one of them knows, or each has a part of. */
export class OtherServers {
  private readonly logger = new Logger('Forwarding');

  constructor(
    private readonly locator: Locator,
    private readonly forwarder: ServerForwarder,
  ) {}

  /**
   * Sends them a request, too. Nobody is asked for one that another server has passed on.
   * @param parsed the body of the request, if it was read before
   * @returns the JSON of each answer, in the order of their starts; undefined for a server that did not
   *   answer, or without content, and once if it is not known which servers there are
   */
  async answers(request: IncomingMessage, parsed?: Buffer): Promise<unknown[]> {
    if (hopOf(request)) return [];
    // Without the database it is not known which others there are.
    const others = await this.locator.others().catch(() => undefined);
    return others ? Promise.all(others.map((server) => this.answerOf(server, request, parsed))) : [undefined];
  }

  private async answerOf(
    server: ServerAddress,
    request: IncomingMessage,
    parsed: Buffer | undefined,
  ): Promise<unknown> {
    try {
      return await this.forwarder.readFrom(server, request, parsed);
    } catch (error) {
      this.logger.warn(`server ${server.serverId} does not answer: ${errorMessage(error)}`);
      return undefined;
    }
  }
}
