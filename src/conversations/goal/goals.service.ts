import { Injectable } from '@nestjs/common';
import { LeaseHeldError } from '../../storage/index.js';
import { ConversationNotFoundError } from '../conversation-errors.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';

/** What lets an agent work for long: goals, and a history that is kept short. */
@Injectable()
export class GoalsService {
  constructor(private readonly registry: ConversationRegistry) {}

  /** @throws GoalBusyError, GoalRefusedError, RunLimitError */
  async startGoal(id: string, objective: string, maxIterations: number): Promise<void> {
    await (await this.registry.acquire(id)).goal.start(objective, maxIterations);
  }

  /** Does no harm when there is none. */
  async stopGoal(id: string): Promise<void> {
    await (await this.registry.acquire(id)).stopGoal();
  }

  /** @throws GoalBusyError, GoalRefusedError, RunLimitError */
  async resumeGoal(id: string): Promise<void> {
    await (await this.registry.acquire(id)).goal.resume();
  }

  /** @throws CannotCondenseError, LlmError */
  async condense(id: string): Promise<void> {
    const conversation = await this.registry.acquire(id).catch((error: unknown) => {
      const missing = error instanceof ConversationNotFoundError || error instanceof LeaseHeldError;
      throw missing ? new ConversationNotFoundError(id, 'Conversation') : error;
    });
    await conversation.condense();
  }
}
