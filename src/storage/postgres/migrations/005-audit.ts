import type { Migration } from './migration.js';

/** The audit log. */
export const audit: Migration = {
  version: 5,
  name: 'audit',
  compatibleFrom: 1,
  sql: `
    CREATE TABLE audit_entry (
      number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      id uuid NOT NULL UNIQUE,
      at timestamptz NOT NULL,
      -- Null without a valid key.
      key_id text COLLATE "C",
      key_name text COLLATE "C",
      address text COLLATE "C",
      operation text COLLATE "C" NOT NULL,
      conversation text COLLATE "C",
      outcome text COLLATE "C" NOT NULL,
      -- Null if the client left before the answer.
      status int,
      duration_ms int NOT NULL,
      count int NOT NULL
    );
    CREATE INDEX audit_entry_at ON audit_entry (at);
    CREATE INDEX audit_entry_conversation ON audit_entry (conversation, number) WHERE conversation IS NOT NULL;
    CREATE INDEX audit_entry_key ON audit_entry (key_id, number) WHERE key_id <> 'session';
    CREATE INDEX audit_entry_outcome ON audit_entry (outcome, number) WHERE outcome <> 'done';`,
};
