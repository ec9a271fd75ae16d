import type { Protection } from './protection.js';
import type { RetentionRules } from './retention-rules.js';

/** Which rule a conversation goes by. */
export const REASONS = ['age', 'budget'] as const;
/** Which rule a conversation goes by. */
export type Reason = (typeof REASONS)[number];

/** A conversation to be removed, as it was when that was decided. */
export interface Removal {
  conversation_id: string;
  reason: Reason;
  execution_status: string;
  /** UTC. */
  updated_at: string;
  /** What it occupies, about; its events in a database do not count. */
  bytes: number;
}

/** The file system of the conversations, in bytes. */
export interface DiskFacts {
  size_bytes: number;
  free_bytes: number;
  used_share: number;
  /** What conversations may occupy; null without a budget. */
  budget_bytes: number | null;
  /** What they occupy, about; null: not measured, because the whole file system is within the budget. */
  conversations_bytes: number | null;
}

/** How many conversations the rules would otherwise remove, by what protects them. */
export type KeptCounts = Partial<Record<Protection, number>>;

/** What a sweep would remove at this moment. */
export interface RetentionPlan {
  rules: RetentionRules;
  /** Null if the file system cannot be asked. */
  disk: DiskFacts | null;
  /** Those by age first, the longest unchanged of each first. */
  removals: Removal[];
  kept: KeptCounts;
  /** False if conversations would still use more than the budget. */
  within_budget: boolean;
  /** Why a part of the rules does not apply now, for people. */
  notes: string[];
}
