import { decimal, Field, NoOtherFields, nullable, OptionalBody } from '../../http/index.js';
import type { RuleChanges } from '../plan/retention-rules.js';

const DAYS =
  'Conversations that were not changed for so many days, instead of `conversation_storage_retention_days`. Null: as ' +
  'configured.';
const BUDGET =
  'Share of their file system that conversations may use, instead of `conversation_storage_disk_budget`. Null: as ' +
  'configured.';

/** Other rules than those of the configuration, for a look at what they would remove. */
export class RetentionPlanQueryDto {
  @Field(nullable(decimal({ gt: 0 })), DAYS)
  retention_days: number | null = null;

  @Field(nullable(decimal({ gt: 0, lt: 1 })), BUDGET)
  disk_budget: number | null = null;
}

/**
 * Other rules than those of the configuration, for one sweep. A misspelt one must not remove by those of the
 * configuration.
 */
@OptionalBody()
@NoOtherFields()
export class RetentionSweepRequestDto {
  @Field(nullable(decimal({ gt: 0 })), DAYS)
  retention_days: number | null = null;

  @Field(nullable(decimal({ gt: 0, lt: 1 })), BUDGET)
  disk_budget: number | null = null;
}

/** The rules that a request changes. */
export function changesIn(request: RetentionPlanQueryDto | RetentionSweepRequestDto): RuleChanges {
  return {
    retention_days: request.retention_days ?? undefined,
    disk_budget: request.disk_budget ?? undefined,
  };
}
