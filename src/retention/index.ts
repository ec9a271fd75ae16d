export { describePlan } from './plan/describe-plan.js';
export { RetentionPlanner } from './plan/retention-planner.js';
export { rulesOf } from './plan/retention-rules.js';
