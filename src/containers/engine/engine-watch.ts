import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';

/** Whether the container engine answers, as far as the last call tells. Changes are logged once. */
export class EngineWatch {
  private readonly logger = new Logger('Containers');
  private problem: string | undefined = 'it was not asked yet';

  /** Why it does not answer; undefined if it does. */
  get reason(): string | undefined {
    return this.problem;
  }

  answered(shown: string): void {
    if (this.problem !== undefined) this.logger.log(`the container engine at ${shown} answers`);
    this.problem = undefined;
  }

  failed(error: unknown): void {
    const reason = errorMessage(error);
    if (this.problem !== reason) this.logger.error(reason);
    this.problem = reason;
  }
}
