export { Database } from './database.js';
export { DatabaseOptions } from './database-options.js';
export { OutcomeUnknownError, sqlState } from './database-errors.js';
export type { Answer, Connections, Queryable, Repeatable, Transaction } from './connections.js';
