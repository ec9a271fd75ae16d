import type { Migration } from './migration.js';

/** Automations and their runs. */
export const automations: Migration = {
  version: 10,
  name: 'automations',
  compatibleFrom: 1,
  sql: `
    CREATE TABLE automation (
      id text COLLATE "C" PRIMARY KEY,
      created_at timestamptz NOT NULL DEFAULT now(),
      -- Grows with each change: what a server knows of an older one is read again.
      version bigint NOT NULL DEFAULT 1,
      is_deleted boolean NOT NULL DEFAULT false,
      -- JSON as text: it may contain what jsonb cannot store.
      definition text NOT NULL,
      state text NOT NULL,
      -- Runs that are not kept any more, by status.
      forgotten jsonb NOT NULL DEFAULT '{}'
    );
    CREATE INDEX automation_live ON automation (id) WHERE NOT is_deleted;

    CREATE TABLE automation_run (
      -- Made from the automation and the instant: an instant is claimed once.
      id text COLLATE "C" PRIMARY KEY,
      automation text COLLATE "C" NOT NULL REFERENCES automation (id),
      -- The order in which runs were made.
      seq bigint GENERATED ALWAYS AS IDENTITY,
      status text COLLATE "C" NOT NULL,
      content text NOT NULL
    );
    CREATE INDEX automation_run_newest ON automation_run (automation, seq);
    CREATE INDEX automation_run_open ON automation_run (seq) WHERE status IN ('PENDING', 'RUNNING');`,
};
