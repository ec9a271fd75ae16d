import { Injectable } from '@nestjs/common';
import { LeaseHeldError } from '../../storage/index.js';
import { ConversationNotFoundError } from '../conversation-errors.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import type { QueuePlace, RunRequest } from '../runs/queue/queued-run.js';

/** Starts, stops and resumes goals, and condenses the history on request. */
@Injectable()
export class GoalsService {
  constructor(private readonly registry: ConversationRegistry) {}

  /**
   * @returns its place in the queue, if it waits
   * @throws GoalBusyError, GoalRefusedError, RunLimitError, QueueFullError
   */
  async start(
    id: string,
    objective: string,
    maxIterations: number,
    request: RunRequest,
  ): Promise<QueuePlace | undefined> {
    return (await this.registry.acquire(id)).goal.start(objective, maxIterations, request);
  }

  /** No effect without a goal that is active or waits. */
  async stop(id: string): Promise<void> {
    await (await this.registry.acquire(id)).stopGoal();
  }

  /**
   * @returns its place in the queue, if it waits
   * @throws GoalBusyError, GoalRefusedError, RunLimitError, QueueFullError
   */
  async resume(id: string, request: RunRequest): Promise<QueuePlace | undefined> {
    return (await this.registry.acquire(id)).goal.resume(request);
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
