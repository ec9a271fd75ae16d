export { type Budget, type BudgetWarning, isNearlySpent } from './budgets.js';
export { KeyLimiter } from './key-limiter.js';
export { type KeyLimits, LIMIT_NAMES, LimitReachedError, type LimitName } from './key-limits.js';
export { KeyUsage } from './key-usage.js';
export { LimitsModule } from './limits.module.js';
export { TooManyFollowersError } from './too-many-followers-error.js';
