import type { Migration } from './migration.js';

/** The commands of the bash routes and their output. */
export const bash: Migration = {
  version: 4,
  name: 'bash',
  compatibleFrom: 1,
  sql: `
    -- One row a history: that of all servers has the nil UUID, the others belong to conversations. It is
    -- locked by every change of the history, so that numbers have no gaps and become visible in order.
    CREATE TABLE bash_history (
      scope uuid PRIMARY KEY,
      first bigint NOT NULL DEFAULT 0,
      next bigint NOT NULL DEFAULT 0,
      bytes bigint NOT NULL DEFAULT 0,
      -- Time of the first event, in microseconds since the epoch.
      oldest bigint
    ) WITH (fillfactor = 50);

    CREATE TABLE bash_event (
      scope uuid NOT NULL,
      number bigint NOT NULL,
      id uuid NOT NULL,
      -- Of an output; null for a command.
      command uuid,
      command_order int NOT NULL,
      micros bigint NOT NULL,
      bytes int NOT NULL,
      line text COLLATE "C" NOT NULL,
      PRIMARY KEY (scope, number)
    );
    CREATE UNIQUE INDEX bash_event_id ON bash_event (scope, id);
    CREATE INDEX bash_event_command ON bash_event (scope, command, number) WHERE command IS NOT NULL;

    -- The commands that run, and the server that runs each. Only that one may add output.
    CREATE TABLE bash_command (
      id uuid PRIMARY KEY,
      scope uuid NOT NULL,
      server uuid NOT NULL,
      stop_requested boolean NOT NULL DEFAULT false
    );
    CREATE INDEX bash_command_server ON bash_command (server);`,
};
