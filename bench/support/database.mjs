import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { PostgresInstance } from '../../test/support/postgres/instance.mjs';

/** The key of all servers of a cluster. */
const KEY = 'the key of the benchmark';
/** As a person would set it for a server that does nothing else; commits are durable. */
const SETTINGS = { shared_buffers: '512MB', max_wal_size: '4GB' };

/**
 * Runs an action with a new PostgreSQL server, which syncs each commit to the disk, and ends it.
 */
export async function withDatabase(action) {
  const instance = await PostgresInstance.start({ durable: true, settings: SETTINGS });
  try {
    return await action(instance.url());
  } finally {
    await instance.stop();
  }
}

/** The settings of a server of the cluster of a database. */
export function onDatabase(url, more = {}) {
  return {
    env: (port) => ({
      OH_DATABASE_URL: url,
      OH_SERVER_URL: `http://127.0.0.1:${port}`,
      OH_SECRET_KEY: KEY,
      OH_WORKSPACES_SHARED: '1',
      ...more,
    }),
  };
}

/** Runs statements on a connection of its own. */
export async function withClient(url, action) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await action(client);
  } finally {
    await client.end();
  }
}

const BARE_INSERT = {
  name: 'bare-insert',
  text: `INSERT INTO event (conversation, seq, id, kind, source, timestamp, line)
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])`,
};
const LINE = 'x'.repeat(400);

/**
 * Bare inserts into the table of the events, with its indexes, in a database that the driver has set up.
 * Those that wait share a statement. Nothing checks who writes.
 */
export class BareInserts {
  #client;
  #waiting = [];
  #isBusy = false;

  constructor(client) {
    this.#client = client;
  }

  /** Resolves when the rows are committed. */
  insert(conversation, seq, count) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ conversation, seq, count, resolve, reject });
      if (!this.#isBusy) void this.#run();
    });
  }

  async #run() {
    this.#isBusy = true;
    // All callers of this turn of the event loop.
    await undefined;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      const columns = [[], [], [], [], [], [], []];
      for (const { conversation, seq, count } of batch) {
        for (let i = 0; i < count; i++) {
          const row = [
            conversation,
            seq + i,
            randomUUID(),
            'MessageEvent',
            'user',
            '2026-01-01T00:00:00',
            LINE,
          ];
          for (const [column, value] of row.entries()) columns[column].push(value);
        }
      }
      try {
        await this.#client.query({ ...BARE_INSERT, values: columns });
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isBusy = false;
  }
}

/** Copies the only stored conversation until there are `count`. No server may be running. */
export async function copyStored(client, count) {
  await client.query(
    `WITH original AS (SELECT * FROM metadata ORDER BY created_at LIMIT 1),
       copy AS (SELECT gen_random_uuid() AS id, n FROM generate_series(1, $1::int - 1) AS n),
       added AS (INSERT INTO conversation (id, length, generation)
         SELECT copy.id, 0, 1 FROM copy RETURNING id)
     INSERT INTO metadata (conversation, created_at, updated_at, execution_status, parent, generation, version, content)
     SELECT copy.id, times.at, times.at, original.execution_status, NULL, 1, nextval('metadata_version'),
       replace(replace(original.content, original.conversation::text, copy.id::text), original.created_at, times.at)
     FROM copy, original, LATERAL (SELECT to_char(timestamp '2026-01-01' - make_interval(secs => copy.n),
       'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at) AS times
     WHERE (SELECT count(*) FROM added) >= 0`,
    [count],
  );
  await client.query('ANALYZE');
}

/**
 * Lets a conversation have `count` events more: copies of its last one, which is on no branch. No server may
 * be running.
 */
export async function growStored(client, conversation, count) {
  await client.query(
    `WITH last AS (SELECT * FROM event WHERE conversation = $1 ORDER BY seq DESC LIMIT 1),
       copy AS (SELECT n, gen_random_uuid()::text AS id FROM generate_series(1, $2::int) AS n)
     INSERT INTO event (conversation, seq, id, kind, source, timestamp, line)
     SELECT last.conversation, last.seq + copy.n, copy.id, last.kind, last.source, last.timestamp,
       replace(last.line, last.id, copy.id)
     FROM last, copy`,
    [conversation, count],
  );
  await client.query('UPDATE conversation SET length = length + $2 WHERE id = $1', [conversation, count]);
  await client.query(
    `UPDATE metadata SET version = nextval('metadata_version'), content = regexp_replace(content, '"log_position":\\d+',
       (SELECT '"log_position":' || length FROM conversation WHERE id = $1)) WHERE conversation = $1`,
    [conversation],
  );
  await client.query('ANALYZE');
}
