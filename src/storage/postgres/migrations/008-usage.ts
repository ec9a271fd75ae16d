import type { Migration } from './migration.js';

/** What models have cost. */
export const usage: Migration = {
  version: 8,
  name: 'usage',
  compatibleFrom: 1,
  sql: `
    -- One row a call. Rows of deleted conversations stay.
    CREATE TABLE usage_entry (
      -- The id of the event: not always a UUID.
      id text COLLATE "C" PRIMARY KEY,
      at timestamptz NOT NULL,
      conversation text COLLATE "C",
      run text COLLATE "C",
      -- Null: the administrator's.
      key_id text COLLATE "C",
      model text COLLATE "C" NOT NULL,
      provider text COLLATE "C" NOT NULL,
      usage_id text COLLATE "C" NOT NULL,
      tags jsonb NOT NULL,
      prompt_tokens bigint NOT NULL,
      completion_tokens bigint NOT NULL,
      cache_read_tokens bigint NOT NULL,
      cache_write_tokens bigint NOT NULL,
      reasoning_tokens bigint NOT NULL,
      -- US dollars; null if the price is unknown.
      cost double precision,
      -- Seconds.
      latency double precision,
      -- Null if the model answered.
      error text COLLATE "C"
    );
    CREATE INDEX usage_entry_at ON usage_entry (at, id);

    -- The sums of calls that are equal in all that reports ask for, by quarter of an hour.
    CREATE TABLE usage_total (
      slot int NOT NULL,
      -- A digest of the columns from conversation to tags.
      cell uuid NOT NULL,
      conversation text COLLATE "C",
      key_id text COLLATE "C",
      model text COLLATE "C" NOT NULL,
      provider text COLLATE "C" NOT NULL,
      usage_id text COLLATE "C" NOT NULL,
      tags jsonb NOT NULL,
      calls bigint NOT NULL,
      errors bigint NOT NULL,
      unpriced bigint NOT NULL,
      prompt_tokens bigint NOT NULL,
      completion_tokens bigint NOT NULL,
      cache_read_tokens bigint NOT NULL,
      cache_write_tokens bigint NOT NULL,
      reasoning_tokens bigint NOT NULL,
      cost double precision NOT NULL,
      latency double precision NOT NULL,
      PRIMARY KEY (slot, cell)
    );
    CREATE INDEX usage_total_conversation ON usage_total (conversation, slot) WHERE conversation IS NOT NULL;
    CREATE INDEX usage_total_key ON usage_total (key_id, slot) WHERE key_id IS NOT NULL;`,
};
