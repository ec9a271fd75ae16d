import type { AppConfig } from '../../config/index.js';

/** What is kept, and for how long. */
export interface RetentionRules {
  /** Conversations that were not changed for so many days are removed; null: none for its age. */
  retention_days: number | null;
  /** The share of their file system that conversations may use; null: all of it. */
  disk_budget: number | null;
  /** Conversations that were changed or used in so many seconds are left alone. */
  keep_seconds: number;
}

/** Rules of a request in the place of those of the configuration. */
export type RuleChanges = Partial<
  Record<'retention_days' | 'disk_budget', RetentionRules['disk_budget'] | undefined>
>;

/** The rules of a server, or those of a single request. */
export function rulesOf(config: AppConfig, changes: RuleChanges = {}): RetentionRules {
  return {
    retention_days: changes.retention_days ?? config.conversation_storage_retention_days,
    disk_budget: changes.disk_budget ?? config.conversation_storage_disk_budget,
    keep_seconds: config.conversation_storage_keep_seconds,
  };
}
