import type { Logger } from '@nestjs/common';
import type { LlmConfig } from '../request/llm-config.js';

/** Limit for the remembered names, because clients choose them. */
const MAX_NAMES = 1000;

/** Warns once per model that its price is unknown, so that a cost of 0 is not mistaken for a price. */
export class PriceWarning {
  private readonly warned = new Set<string>();

  constructor(private readonly logger: Logger) {}

  /** @param cost of an answer; null if unknown */
  check({ model }: LlmConfig, conversationId: string, cost: number | null): void {
    if (cost !== null || model.startsWith('scripted/') || this.warned.has(model)) return;
    if (this.warned.size >= MAX_NAMES) return;
    this.warned.add(model);
    this.logger.warn(
      `conversation ${conversationId}: the price of ${model} is not known, so its answers count as 0 dollars; ` +
        'input_cost_per_token and output_cost_per_token, or model_canonical_name, set it',
    );
  }
}
