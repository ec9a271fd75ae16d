import { describeDisk, megabytes } from '../plan/describe-plan.js';
import type { DiskFacts, KeptCounts, RetentionPlan } from '../plan/retention-plan.js';
import type { RetentionRules } from '../plan/retention-rules.js';

/** How much a sweep has removed, by kind. */
export interface RemovedCounts {
  conversations_by_age: number;
  conversations_by_budget: number;
  /** Worktrees without a conversation. */
  worktrees: number;
  /** Folders that crashes and failures had left. */
  folders: number;
  bash_events: number;
}

/** What a sweep did. */
export interface SweepReport {
  /** UTC. */
  started_at: string;
  duration_ms: number;
  rules: RetentionRules;
  removed: RemovedCounts;
  /** Of the conversations that were removed, about. */
  freed_bytes: number;
  /** Conversations that were to be removed, but were used when it came to that. */
  skipped: number;
  kept: KeptCounts;
  failures: string[];
  /** Afterwards. */
  disk: DiskFacts | null;
  within_budget: boolean;
  notes: string[];
}

/** Failures that a report names. */
const MAX_FAILURES = 20;

/** A report of nothing yet. */
export function newReport(plan: RetentionPlan): SweepReport {
  return {
    started_at: new Date().toISOString(),
    duration_ms: 0,
    rules: plan.rules,
    removed: {
      conversations_by_age: 0,
      conversations_by_budget: 0,
      worktrees: 0,
      folders: 0,
      bash_events: 0,
    },
    freed_bytes: 0,
    skipped: 0,
    kept: plan.kept,
    failures: [],
    disk: plan.disk,
    within_budget: plan.within_budget,
    notes: plan.notes,
  };
}

/** Adds a failure, as far as there is room. */
export function addFailure(report: SweepReport, failure: string): void {
  if (report.failures.length < MAX_FAILURES) report.failures.push(failure);
}

/** Whether a sweep has something to tell. */
export function isWorthTelling({ removed, failures, within_budget: isWithin }: SweepReport): boolean {
  return failures.length > 0 || !isWithin || Object.values(removed).some((count) => count > 0);
}

/** One line for the log. */
export function lineOf(report: SweepReport): string {
  const { removed, freed_bytes, skipped, kept, failures, disk } = report;
  const { conversations_by_age: old, conversations_by_budget: beyond } = removed;
  const parts = [
    `removed ${old + beyond} conversations (${old} by age, ${beyond} for the disk budget), ` +
      `${removed.worktrees} worktrees, ${removed.folders} folders, ${removed.bash_events} bash events`,
    `freed ${megabytes(freed_bytes)}`,
    ...(skipped > 0 ? [`${skipped} were used meanwhile and stay`] : []),
    ...keptPart(kept),
    ...(disk ? [describeDisk(disk)] : []),
    ...(report.within_budget
      ? []
      : ['conversations still use more than the budget, and nothing else may be removed']),
    ...(failures.length > 0 ? [`${failures.length} failures, the first: ${failures[0] ?? ''}`] : []),
    ...report.notes,
  ];
  return parts.join('; ');
}

function keptPart(kept: KeptCounts): string[] {
  const counts = Object.entries(kept).map(([protection, count]) => `${count} ${protection}`);
  return counts.length === 0 ? [] : [`kept ${counts.join(', ')}`];
}
