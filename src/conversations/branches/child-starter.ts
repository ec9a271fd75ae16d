import { InvalidRequestError } from '../../errors/index.js';
import { Injectable } from '@nestjs/common';
import { HostRefusal, type ChildRequest, type StartedChild } from '../../tools/tool.js';
import { RunLimitError } from '../conversation-errors.js';

type Start = (parentId: string, request: ChildRequest) => Promise<StartedChild>;

/**
 * Lets the agent of a conversation start children of it. What starts them needs everything that conversations
 * share, and this is a part of that: so it is told later who does it.
 */
@Injectable()
export class ChildStarter {
  private handler: Start | undefined;

  /** Says who starts children. */
  setHandler(start: Start): void {
    this.handler = start;
  }

  /** @throws HostRefusal with the text for the model */
  async startChild(parentId: string, request: ChildRequest): Promise<StartedChild> {
    if (!this.handler) throw new HostRefusal('the server is still starting');
    try {
      return await this.handler(parentId, request);
    } catch (error) {
      const isRefusal = error instanceof InvalidRequestError || error instanceof RunLimitError;
      throw isRefusal ? new HostRefusal(error.message) : error;
    }
  }
}
