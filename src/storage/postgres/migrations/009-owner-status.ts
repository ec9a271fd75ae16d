import type { Migration } from './migration.js';

/** The order by last change of the conversations of a key that have a status. */
export const ownerStatus: Migration = {
  version: 9,
  name: 'owner status',
  compatibleFrom: 1,
  sql: `
    -- Without it such a page reads all conversations of the key that have the status, or those of others.
    CREATE INDEX metadata_owner_status_updated
      ON metadata (owner_key, execution_status, updated_at, created_at, conversation)
      WHERE owner_key IS NOT NULL;`,
};
