import type { RetentionPlan } from './retention-plan.js';

/** What a plan says, for people: a line a conversation, and one about the rest. */
export function describePlan({ removals, kept, disk, within_budget, notes }: RetentionPlan): string[] {
  const lines = removals.map(
    ({ conversation_id: id, reason, execution_status: status, updated_at, bytes }) =>
      `${id}  ${reason.padEnd(6)}  ${status.padEnd(8)}  ${updated_at}  ${megabytes(bytes)}`,
  );
  const bytes = removals.reduce((sum, removal) => sum + removal.bytes, 0);
  lines.push(`would remove ${removals.length} conversations, ${megabytes(bytes)}`);
  const counts = Object.entries(kept).map(([protection, count]) => `${count} ${protection}`);
  if (counts.length > 0) lines.push(`would keep ${counts.join(', ')}`);
  if (disk) lines.push(describeDisk(disk));
  if (!within_budget) lines.push('conversations would still use more than the budget');
  return [...lines, ...notes];
}

/** How full the file system is, for people. */
export function describeDisk({
  used_share,
  budget_bytes,
  conversations_bytes,
}: NonNullable<RetentionPlan['disk']>): string {
  const use = `the file system is ${(used_share * 100).toFixed(1)}% full`;
  if (budget_bytes === null) return use;
  const of = conversations_bytes === null ? '' : `, conversations had ${megabytes(conversations_bytes)}`;
  return `${use}${of} of a budget of ${megabytes(budget_bytes)}`;
}

/** Bytes for people. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
