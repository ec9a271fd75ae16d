import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import { EngineAwayError } from './engine-errors.js';

/** Whether the container engine answers, as far as the last call tells. Changes are logged once. */
export class EngineWatch {
  private readonly logger = new Logger('Containers');
  private problem: { reason: string; isAway: boolean } | undefined = {
    reason: 'it was not asked yet',
    isAway: false,
  };

  /** Why it does not answer; undefined if it does. */
  get reason(): string | undefined {
    return this.problem?.reason;
  }

  /** All is well. */
  answered(shown: string): void {
    if (this.problem !== undefined) this.logger.log(`the container engine at ${shown} answers`);
    this.problem = undefined;
  }

  /** A call was answered. Problems other than the engine's absence stay until the next look at everything. */
  reached(shown: string): void {
    if (this.problem?.isAway === true) this.answered(shown);
  }

  failed(error: unknown): void {
    const reason = errorMessage(error);
    if (this.problem?.reason !== reason) this.logger.error(reason);
    this.problem = { reason, isAway: error instanceof EngineAwayError };
  }
}
