import type { Migration } from './migration.js';

/** Settings, profiles and secrets, and records that are needed for minutes. */
export const documents: Migration = {
  version: 2,
  name: 'documents',
  compatibleFrom: 1,
  sql: `
    -- The content is JSON as a text: the order of its members and damaged documents are kept as they are.
    CREATE TABLE document (
      name text COLLATE "C" PRIMARY KEY,
      version bigint NOT NULL,
      content text NOT NULL,
      updated_at timestamptz NOT NULL DEFAULT now()
    );

    -- One row: whoever changes documents locks it. The version counts the changes.
    CREATE TABLE document_state (
      singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
      version bigint NOT NULL DEFAULT 0
    );
    INSERT INTO document_state DEFAULT VALUES;

    -- The changes of the last day: what is here is stored, though its connection was lost.
    CREATE TABLE document_change (
      id uuid PRIMARY KEY,
      at timestamptz NOT NULL DEFAULT now()
    );

    CREATE TABLE expiring_record (
      kind text COLLATE "C" NOT NULL,
      id text COLLATE "C" NOT NULL,
      version bigint NOT NULL,
      content text NOT NULL,
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (kind, id)
    );`,
};
