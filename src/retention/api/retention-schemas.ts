import { type DescribedField, type JsonSchema, objectSchema } from '../../http/index.js';
import { type Protection, PROTECTIONS } from '../plan/protection.js';
import { type DiskFacts, REASONS, type Removal, type RetentionPlan } from '../plan/retention-plan.js';
import type { RetentionRules } from '../plan/retention-rules.js';
import type { RetentionStatus } from '../retention.service.js';
import type { RemovedCounts, SweepReport } from '../sweep/sweep-report.js';

/** The answer of `GET /api/retention/plan`. */
export interface PlanAnswer extends Omit<RetentionPlan, 'removals'> {
  conversations: Removal[];
  total: number;
  total_bytes: number;
}

const text: JsonSchema = { type: 'string' };
const texts: JsonSchema = { type: 'array', items: text };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const flag: JsonSchema = { type: 'boolean' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const countOrNull: JsonSchema = { type: ['integer', 'null'], minimum: 0 };
const numberOrNull: JsonSchema = { type: ['number', 'null'] };

const refTo = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const nullableRef = (name: string): JsonSchema => ({ anyOf: [refTo(name), { type: 'null' }] });

const PROTECTED: Readonly<Record<Protection, string>> = {
  running: 'They run, have an active goal, or a model is asked for them.',
  waiting: 'They wait for a confirmation.',
  open: 'A socket follows them.',
  recent: 'They were changed or used a moment ago.',
  bookmarked: 'They have the tag `bookmark`.',
  related: 'A parent or a child of theirs runs or waits.',
  container: 'They are in containers.',
  elsewhere: 'Another server has them open.',
};
const kept: DescribedField = [
  {
    type: 'object',
    properties: Object.fromEntries(
      PROTECTIONS.map((name) => [name, { ...count, description: PROTECTED[name] }]),
    ),
  },
  'How many conversations the rules would otherwise remove, by what protects them.',
];
const rules: DescribedField = [refTo('RetentionRules'), 'The rules that it goes by.'];
const disk: DescribedField = [
  nullableRef('RetentionDisk'),
  'The file system of the conversations; null if it cannot be asked.',
];
const withinBudget: DescribedField = [
  flag,
  'False if conversations use more than the budget although everything that may be removed is.',
];
const notes: DescribedField = [texts, 'Why a part of the rules does not apply, for people.'];

/** Schemas for the API document. */
export function retentionSchemas(): Record<string, JsonSchema> {
  return {
    RetentionRules: objectSchema({
      retention_days: [
        numberOrNull,
        'Days without a change after which a conversation is removed; null: never.',
      ],
      disk_budget: [numberOrNull, 'Share of their file system that conversations may use; null: all of it.'],
      keep_seconds: [{ type: 'number' }, 'What was changed or used in so many seconds is left alone.'],
    } satisfies Record<keyof RetentionRules, DescribedField>),
    RetentionDisk: objectSchema({
      size_bytes: [count, 'Size of the file system.'],
      free_bytes: [count, 'What the server may still write.'],
      used_share: [{ type: 'number' }, 'Share that is in use, by whatever.'],
      budget_bytes: [countOrNull, 'What conversations may occupy; null without a budget.'],
      conversations_bytes: [
        countOrNull,
        'What conversations occupied before, about; null if the file system as a whole was within the budget.',
      ],
    } satisfies Record<keyof DiskFacts, DescribedField>),
    RetentionRemoval: objectSchema({
      conversation_id: [{ type: 'string', format: 'uuid' }, 'Which conversation would be removed.'],
      reason: [{ type: 'string', enum: [...REASONS] }, 'The rule that it goes by.'],
      execution_status: [text, 'What its last run has come to, such as `finished`.'],
      updated_at: [time, 'Its last change, in UTC.'],
      bytes: [count, 'What it occupies, about; events in a database do not count.'],
    } satisfies Record<keyof Removal, DescribedField>),
    RetentionPlan: objectSchema({
      rules,
      disk,
      conversations: [
        { type: 'array', items: refTo('RetentionRemoval') },
        'What would be removed, at most 1,000 of them: those by age first, then those for the budget.',
      ],
      total: [count, 'How many conversations would be removed.'],
      total_bytes: [count, 'What they occupy, about.'],
      kept,
      within_budget: withinBudget,
      notes,
    } satisfies Record<keyof PlanAnswer, DescribedField>),
    RetentionSweep: objectSchema({
      started_at: [time, 'When the sweep began, in UTC.'],
      duration_ms: [count, 'How long it took.'],
      rules,
      removed: [
        objectSchema({
          conversations_by_age: [count, 'Conversations that were too old.'],
          conversations_by_budget: [count, 'Conversations that made room.'],
          worktrees: [count, 'Worktrees without a conversation.'],
          folders: [count, 'Folders that crashes and failures had left, such as shadow repositories.'],
          bash_events: [count, 'Events of the bash routes beyond their limits.'],
        } satisfies Record<keyof RemovedCounts, DescribedField>),
        'What was removed, by kind.',
      ],
      freed_bytes: [count, 'What the removed conversations occupied, about.'],
      skipped: [count, 'Conversations that were used when it came to their removal, and stay.'],
      kept,
      failures: [texts, 'What could not be removed, and why; at most 20.'],
      disk,
      within_budget: withinBudget,
      notes,
    } satisfies Record<keyof SweepReport, DescribedField>),
    RetentionStatus: objectSchema({
      rules,
      sweep_seconds: [numberOrNull, 'Seconds between two sweeps; null: there is no rule to sweep for.'],
      is_sweeping: [flag, 'Whether this server sweeps at the moment.'],
      last_sweep: [nullableRef('RetentionSweep'), 'The last one of this server; null: none since its start.'],
    } satisfies Record<keyof RetentionStatus, DescribedField>),
  };
}
