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
      lease_until timestamptz NOT NULL,
      conversations int NOT NULL DEFAULT 0,
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

    -- The snapshot. Exists from the end of the creation on.
    CREATE TABLE metadata (
      conversation uuid PRIMARY KEY,
      created_at text COLLATE "C" NOT NULL,
      updated_at text COLLATE "C" NOT NULL,
      execution_status text NOT NULL,
      parent uuid,
      version bigint NOT NULL DEFAULT 1,
      content text NOT NULL
    );

    CREATE TABLE event (
      conversation uuid NOT NULL,
      seq bigint NOT NULL,
      id text COLLATE "C" NOT NULL,
      kind text COLLATE "C" NOT NULL,
      source text COLLATE "C" NOT NULL,
      timestamp text COLLATE "C" NOT NULL,
      line text COLLATE "C" NOT NULL,
      PRIMARY KEY (conversation, seq)
    ) PARTITION BY HASH (conversation);
    ${partitions(PARTITIONS)}
    CREATE INDEX event_id ON event (conversation, id);
    CREATE INDEX event_kind ON event (conversation, kind, source, seq);`,
};

function partitions(count: number): string {
  return Array.from(
    { length: count },
    (_, index) =>
      `CREATE TABLE event_${index} PARTITION OF event FOR VALUES WITH (MODULUS ${count}, REMAINDER ${index});`,
  ).join('\n    ');
}
