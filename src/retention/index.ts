export { megabytes } from './sweep/sweep-report.js';
export { RetentionPlanner } from './plan/retention-planner.js';
export type { RetentionPlan } from './plan/retention-plan.js';
export { type RuleChanges, rulesOf } from './plan/retention-rules.js';
