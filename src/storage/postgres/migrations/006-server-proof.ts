import type { Migration } from './migration.js';

/** What a server can prove about itself. Null in the rows of servers that do not know these columns. */
export const serverProof: Migration = {
  version: 6,
  name: 'server-proof',
  compatibleFrom: 1,
  sql: `
    -- Signed with the key of the cluster: others send nothing to an address without it.
    ALTER TABLE server ADD COLUMN proof text;
    -- The process on its machine: whoever is started there later can tell that it has ended.
    ALTER TABLE server ADD COLUMN process text;`,
};
