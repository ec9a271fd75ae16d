import { InvalidRequestError } from '../../errors/index.js';
import { Injectable } from '@nestjs/common';
import { HostRefusal, type ChildRequest, type StartedChild } from '../../tools/index.js';
import { RunLimitError } from '../conversation-errors.js';

type Start = (parentId: string, request: ChildRequest) => Promise<StartedChild>;

/**
 * Lets an agent start child conversations. The handler is set later, because it depends on
 * `ConversationServices`, which contains this class.
 */
@Injectable()
export class ChildStarter {
  private handler: Start | undefined;

  setHandler(start: Start): void {
    this.handler = start;
  }

  /** @throws HostRefusal with a message for the model */
  async startChild(parentId: string, request: ChildRequest): Promise<StartedChild> {
    if (!this.handler) throw new HostRefusal('the server is still starting');
    try {
      return await this.handler(parentId, request);
    } catch (error) {
      const isExpected = error instanceof InvalidRequestError || error instanceof RunLimitError;
      throw isExpected ? new HostRefusal(error.message) : error;
    }
  }
}
