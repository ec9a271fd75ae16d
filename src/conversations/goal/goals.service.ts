import { Injectable } from '@nestjs/common';
import { LeaseHeldError } from '../../storage/index.js';
import { ConversationNotFoundError } from '../conversation-errors.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';

/** Starts, stops and resumes goals, and condenses the history on request. */
@Injectable()
export class GoalsService {
  constructor(private readonly registry: ConversationRegistry) {}

  /** @throws GoalBusyError, GoalRefusedError, RunLimitError */
  async start(id: string, objective: string, maxIterations: number): Promise<void> {
    await (await this.registry.acquire(id)).goal.start(objective, maxIterations);
  }

  /** No effect without an active goal. */
  async stop(id: string): Promise<void> {
    await (await this.registry.acquire(id)).stopGoal();
  }

  /** @throws GoalBusyError, GoalRefusedError, RunLimitError */
  async resume(id: string): Promise<void> {
    await (await this.registry.acquire(id)).goal.resume();
  }

  /** @throws CannotCondenseError, LlmError */
  async condense(id: string): Promise<void> {
    const conversation = await this.registry.acquire(id).catch((error: unknown) => {
      const isMissing = error instanceof ConversationNotFoundError || error instanceof LeaseHeldError;
      throw isMissing ? new ConversationNotFoundError(id, 'Conversation') : error;
    });
    await conversation.condense();
  }
}
