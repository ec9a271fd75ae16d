export { migrate, SchemaError } from './migrate.js';
export type { Migration } from './migration.js';
