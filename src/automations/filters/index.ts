export { EventExpression, ExpressionError, MAX_EXPRESSION } from './event-expression.js';
export { FILTER_FUNCTIONS } from './filter-functions.js';
export { wildcardMatcher } from './wildcards.js';
