import { Injectable } from '@nestjs/common';
import { AuditTrail } from '../../audit/index.js';
import { AppConfig } from '../../config/index.js';
import {
  ConversationClosedError,
  ConversationNotFoundError,
  type ConversationUse,
  UnusedConversations,
} from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import { diskSpace } from '../../files/index.js';
import { meters } from '../../meters/index.js';
import { LeaseHeldError } from '../../storage/index.js';
import { isTooOld, type Judged, protectionOf } from '../plan/protection.js';
import type { Removal, RetentionPlan } from '../plan/retention-plan.js';
import { Leftovers } from './leftovers.js';
import { addFailure, newReport, type SweepReport } from './sweep-report.js';

/** Who is named in the audit log. */
const PRINCIPAL = { id: 'retention', name: 'retention' };

/** Removes what a plan says, one thing after the other. */
@Injectable()
export class RetentionSweeper {
  constructor(
    private readonly conversations: UnusedConversations,
    private readonly leftovers: Leftovers,
    private readonly trail: AuditTrail,
    private readonly config: AppConfig,
  ) {}

  /**
   * @param plannedAt when the plan was begun (`performance.now()`): what is used since then stays
   * @throws AuditUnavailableError if nothing may be changed without an audit log
   */
  async sweep(plan: RetentionPlan, plannedAt: number, signal: AbortSignal): Promise<SweepReport> {
    await this.trail.assertWritable();
    const report = newReport(plan);
    const started = performance.now();
    for (const removal of plan.removals) {
      if (signal.aborted) break;
      await this.remove(removal, plannedAt, report);
    }
    for (const source of this.leftovers.sources) {
      if (signal.aborted) break;
      try {
        const { removed, failures } = await source.remove();
        report.removed[source.kind] += removed;
        for (const failure of failures) addFailure(report, failure);
      } catch (error) {
        addFailure(report, `${source.kind}: ${errorMessage(error)}`);
      }
    }
    report.duration_ms = Math.round(performance.now() - started);
    await this.lookAtDisk(report);
    this.record(report);
    return report;
  }

  private async remove(removal: Removal, plannedAt: number, report: SweepReport): Promise<void> {
    const { conversation_id: id, reason, bytes } = removal;
    const { rules } = report;
    const startedAt = Date.now();
    const mayEnd = (state: Judged, use: ConversationUse | undefined): boolean => {
      // Its log may have more than the catalogue knew.
      if (reason === 'age' && !isTooOld(state, rules)) return false;
      const isUsedSince = (use?.unusedMs ?? Infinity) <= performance.now() - plannedAt;
      return !isUsedSince && protectionOf(state, use, rules.keep_seconds) === undefined;
    };
    try {
      if (!(await this.conversations.delete(id, mayEnd, whyOf(removal, rules)))) {
        report.skipped += 1;
        return;
      }
      report.removed[`conversations_by_${reason}`] += 1;
      report.freed_bytes += bytes;
      this.audit('Conversations_delete', startedAt, 200, id);
    } catch (error) {
      if (error instanceof ConversationNotFoundError) return;
      if (error instanceof LeaseHeldError || error instanceof ConversationClosedError) {
        report.skipped += 1;
        return;
      }
      addFailure(report, `conversation ${id}: ${errorMessage(error)}`);
      this.audit('Conversations_delete', startedAt, 500, id);
    }
  }

  private async lookAtDisk({ disk }: SweepReport): Promise<void> {
    const space = disk && (await diskSpace(this.config.paths.conversations));
    if (!space) return;
    disk.free_bytes = space.free;
    disk.used_share = Math.round((space.used / (space.used + space.free)) * 10_000) / 10_000;
  }

  private record({ removed, failures, freed_bytes }: SweepReport): void {
    meters.retentionSweeps.add();
    meters.retentionFailures.add(failures.length);
    meters.retentionFreedBytes.add(freed_bytes);
    const { retentionRemoved: counters } = meters;
    counters.conversations_by_age.add(removed.conversations_by_age);
    counters.conversations_by_budget.add(removed.conversations_by_budget);
    counters.worktrees.add(removed.worktrees);
    counters.folders.add(removed.folders);
    counters.bash_events.add(removed.bash_events);
  }

  private audit(operation: string, startedAt: number, status: number, conversationId: string): void {
    this.trail.record({
      principal: PRINCIPAL,
      address: undefined,
      operation,
      conversationId,
      status,
      startedAt,
      durationMs: Date.now() - startedAt,
    });
  }
}

/** The value of the last event of a conversation. */
function whyOf({ reason }: Removal, rules: RetentionPlan['rules']): Record<string, string | number | null> {
  return reason === 'age'
    ? { reason, retention_days: rules.retention_days }
    : { reason, disk_budget: rules.disk_budget };
}
