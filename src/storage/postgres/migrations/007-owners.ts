import type { Migration } from './migration.js';

/** Which key each conversation belongs to. */
export const owners: Migration = {
  version: 7,
  name: 'owners',
  compatibleFrom: 1,
  sql: `
    -- Null: the administrator's. Servers that do not know the column leave it as it is.
    ALTER TABLE metadata ADD COLUMN owner_key text COLLATE "C";

    -- A key has few of all conversations: a page of its list must not read those of the others.
    CREATE INDEX metadata_owner_created ON metadata (owner_key, created_at, conversation)
      WHERE owner_key IS NOT NULL;
    CREATE INDEX metadata_owner_updated ON metadata (owner_key, updated_at, created_at, conversation)
      WHERE owner_key IS NOT NULL;
    CREATE INDEX metadata_owner_status ON metadata (owner_key, execution_status, created_at, conversation)
      WHERE owner_key IS NOT NULL;`,
};
