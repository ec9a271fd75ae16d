import { Injectable, Optional } from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { principalOf } from '../auth/index.js';
import { Ownership } from '../conversations/index.js';
import { OtherServers, ServerForwarder } from '../forwarding/index.js';

/** How a call uses its conversation: it only reads what is stored, or it needs the server that has it. */
export type RpcUse = 'reads' | 'uses';

/**
 * Passes calls on to the server of the cluster that has their conversation. Guards cannot: the conversation
 * is named in the body.
 */
@Injectable()
export class RpcForwarder {
  constructor(
    private readonly ownership: Ownership,
    @Optional() private readonly forwarder?: ServerForwarder,
    @Optional() private readonly others?: OtherServers,
  ) {}

  /**
   * Sends a request to all other servers, too: one of them may know what it is about. Never rejects.
   * @param body what of it they need
   */
  async tellOthers(request: HttpRequest, body: object): Promise<void> {
    await this.others?.answers(request, Buffer.from(JSON.stringify(body)));
  }

  /**
   * Passes a request on if another server has its conversation. What the principal must not see is served
   * here: as an unknown id.
   * @returns false if this server serves it
   * @throws ForwardingError
   */
  async forward(
    conversationId: string,
    use: RpcUse,
    request: HttpRequest,
    response: HttpResponse,
  ): Promise<boolean> {
    const principal = principalOf(request);
    if (!this.forwarder || !principal) return false;
    if (!(await this.ownership.isVisible(conversationId, principal))) return false;
    return this.forwarder.forward(conversationId, request, response, {
      takes: use === 'uses',
      canFallBack: use === 'reads',
      body: Buffer.from(JSON.stringify(request.body)),
    });
  }
}
