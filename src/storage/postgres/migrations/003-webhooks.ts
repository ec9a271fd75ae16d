import type { Migration } from './migration.js';

/** What webhooks have not got yet. */
export const webhooks: Migration = {
  version: 3,
  name: 'webhooks',
  compatibleFrom: 1,
  sql: `
    -- When each webhook was last configured at a server.
    CREATE TABLE webhook (
      id text COLLATE "C" PRIMARY KEY,
      used_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );

    -- How far a conversation was delivered. A row exists while events may be pending. The generation is that
    -- of the owner who may change it; server says who delivers: null, or a dead one, is to be taken over.
    CREATE TABLE webhook_position (
      conversation uuid NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
      webhook text COLLATE "C" NOT NULL,
      position bigint NOT NULL,
      rewind_to bigint,
      generation bigint NOT NULL,
      server uuid,
      PRIMARY KEY (conversation, webhook)
    ) WITH (fillfactor = 70);

    -- Changes of conversations (content), and the pending events of deleted ones (webhook_tail).
    CREATE TABLE webhook_entry (
      id uuid PRIMARY KEY,
      number bigint GENERATED ALWAYS AS IDENTITY,
      webhook text COLLATE "C" NOT NULL,
      conversation uuid NOT NULL,
      content text COLLATE "C",
      length bigint NOT NULL DEFAULT 1,
      position bigint NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      server uuid
    ) WITH (fillfactor = 90);
    CREATE INDEX webhook_entry_order ON webhook_entry (webhook, conversation, number);

    CREATE TABLE webhook_tail (
      entry uuid NOT NULL REFERENCES webhook_entry (id) ON DELETE CASCADE,
      seq bigint NOT NULL,
      line text COLLATE "C" NOT NULL,
      PRIMARY KEY (entry, seq)
    );`,
};
