import type { Migration } from './migration.js';

const PARTITIONS = 8;

/** Servers, conversations and their logs. */
export const log: Migration = {
  version: 1,
  name: 'log',
  compatibleFrom: 1,
  sql: `
    -- One row a process. Leases are compared with the clock of the database only.
    CREATE TABLE server (
      id uuid PRIMARY KEY,
      url text,
      host text NOT NULL,
      version text NOT NULL,
      started_at timestamptz NOT NULL DEFAULT now(),
      lease interval NOT NULL,
      lease_until timestamptz NOT NULL,
      -- From then on it may take conversations of servers that are not live.
      takes_after timestamptz NOT NULL,
      running int NOT NULL DEFAULT 0,
      max_running int NOT NULL DEFAULT 0
    );

    -- The row that appends update: small and without further indexes, so that updates stay in the page (HOT).
    CREATE TABLE conversation (
      id uuid PRIMARY KEY,
      owner uuid,
      generation bigint NOT NULL DEFAULT 0,
      length bigint NOT NULL DEFAULT 0
    ) WITH (fillfactor = 50);
    CREATE INDEX conversation_owner ON conversation (owner) WHERE owner IS NOT NULL;

    -- The snapshot. Exists from the end of the creation on.
    CREATE TABLE metadata (
      conversation uuid PRIMARY KEY REFERENCES conversation (id) ON DELETE CASCADE,
      created_at text COLLATE "C" NOT NULL,
      updated_at text COLLATE "C" NOT NULL,
      execution_status text COLLATE "C" NOT NULL,
      parent uuid,
      -- The lease under which it was saved last, and which save of that server it was.
      generation bigint NOT NULL,
      save bigint NOT NULL DEFAULT 0,
      version bigint NOT NULL,
      content text NOT NULL
    );
    CREATE INDEX metadata_created ON metadata (created_at, conversation);
    CREATE INDEX metadata_updated ON metadata (updated_at, created_at, conversation);
    CREATE INDEX metadata_status_created ON metadata (execution_status, created_at, conversation);
    CREATE INDEX metadata_status_updated ON metadata (execution_status, updated_at, created_at, conversation);
    CREATE INDEX metadata_parent ON metadata (parent, created_at) WHERE parent IS NOT NULL;
    -- Never the same again, also if a conversation is removed and created with the same id.
    CREATE SEQUENCE metadata_version;

    CREATE TABLE event (
      conversation uuid NOT NULL,
      seq bigint NOT NULL,
      id text COLLATE "C" NOT NULL,
      kind text COLLATE "C" NOT NULL,
      source text COLLATE "C" NOT NULL,
      timestamp text COLLATE "C" NOT NULL,
      -- The highest timestamp before, if it is higher: the clock was set back. Null for nearly all events.
      high text COLLATE "C",
      line text COLLATE "C" NOT NULL,
      PRIMARY KEY (conversation, seq)
    ) PARTITION BY HASH (conversation);
    -- Five times as fast as the default, at the same size. Some builds of PostgreSQL do not have it.
    DO $$ BEGIN
      ALTER TABLE event ALTER line SET COMPRESSION lz4;
    EXCEPTION WHEN feature_not_supported THEN
      NULL;
    END $$;
    ${partitions(PARTITIONS)}
    CREATE UNIQUE INDEX event_id ON event (conversation, id);
    CREATE INDEX event_kind ON event (conversation, kind, source, seq);
    CREATE INDEX event_clock ON event (conversation, seq) INCLUDE (timestamp) WHERE high IS NOT NULL;`,
};

function partitions(count: number): string {
  return Array.from(
    { length: count },
    (_, index) =>
      `CREATE TABLE event_${index} PARTITION OF event FOR VALUES WITH (MODULUS ${count}, REMAINDER ${index});`,
  ).join('\n    ');
}
