import { InvalidRequestError } from '../../errors/index.js';
import { Injectable } from '@nestjs/common';
import { HostRefusal, type ChildRequest, type StartedChild } from '../../tools/tool-host.js';
import { RunLimitError } from '../conversation-errors.js';

type Start = (parentId: string, request: ChildRequest) => Promise<StartedChild>;

/**
 * Lets the agent of a conversation start children of it. What starts them needs everything that conversations
 * share, and this is a part of that: so it is told later who does it.
 */
@Injectable()
export class ChildStarter {
  private start: Start | undefined;

  /** Says who starts children. */
  use(start: Start): void {
    this.start = start;
  }

  /** @throws HostRefusal with the text for the model */
  async startChild(parentId: string, request: ChildRequest): Promise<StartedChild> {
    if (!this.start) throw new HostRefusal('the server is still starting');
    try {
      return await this.start(parentId, request);
    } catch (error) {
      const isRefusal = error instanceof InvalidRequestError || error instanceof RunLimitError;
      throw isRefusal ? new HostRefusal(error.message) : error;
    }
  }
}
