/**
 * Whether the server in the row `server` is live, by the database's clock. An end that is further away than a
 * whole lease was written before the clock was set back: the server counts as live again with its next
 * heartbeat.
 */
export const IS_LIVE =
  'server.lease_until > clock_timestamp() AND server.lease_until <= clock_timestamp() + server.lease';

/** Whether the conversation in the row `conversation` has a live owner. */
export const HAS_LIVE_OWNER = `EXISTS (SELECT FROM server WHERE server.id = conversation.owner AND ${IS_LIVE})`;

/** Whether the server `$1` may take what others own: see `ServerLease`. */
export const MAY_TAKE_OVER = `EXISTS (
  SELECT FROM server WHERE server.id = $1 AND ${IS_LIVE} AND server.takes_after <= clock_timestamp())`;

/** How long the lease of the server in the row `server` lasts unless it is renewed (ms). */
const LEASE_LEFT = `extract(epoch FROM server.lease_until - clock_timestamp())::float8 * 1000`;

/**
 * A heartbeat: creates or renews the row of a server. `$8` says that the process has had a row before: if
 * that is gone or has expired, others may not have renewed theirs yet either (the database was away), so
 * nothing is taken from them for the time of a lease. A new process waits only after a start of the
 * database.
 */
export const HEARTBEAT = `
INSERT INTO server (id, url, host, version, lease, lease_until, takes_after, running, max_running, proof, process)
VALUES ($1, $2, $3, $4, make_interval(secs => $5), clock_timestamp() + make_interval(secs => $5),
  CASE WHEN $8 THEN clock_timestamp() + make_interval(secs => $5)
    ELSE greatest(clock_timestamp(), pg_postmaster_start_time() + make_interval(secs => $5)) END, $6, $7, $9, $10)
ON CONFLICT (id) DO UPDATE SET
  lease_until = clock_timestamp() + server.lease,
  takes_after = CASE WHEN ${IS_LIVE} THEN server.takes_after ELSE clock_timestamp() + server.lease END,
  version = excluded.version,
  running = excluded.running,
  max_running = excluded.max_running,
  proof = excluded.proof
RETURNING server.takes_after::text AS takes_after`;

/** Ends the lease of the server `$1`: what it still owns can be taken at once. */
export const LEAVE = `
WITH released AS (UPDATE conversation SET owner = NULL WHERE owner = $1)
DELETE FROM server WHERE id = $1`;

/** Live servers that may have run in the place of the server `$1` before it, with their processes. */
export const PREDECESSORS = `
SELECT server.id, server.process FROM server JOIN server AS self ON self.id = $1
WHERE server.id <> self.id AND server.host = self.host AND server.url IS NOT DISTINCT FROM self.url
  AND server.process IS NOT NULL AND ${IS_LIVE}`;

/** Ends the lease of the server `$1`, whose process `$2` has ended, as `LEAVE`. */
export const END_SERVER = `
WITH ended AS (DELETE FROM server WHERE id = $1 AND process = $2 RETURNING id),
  released AS (UPDATE conversation SET owner = NULL FROM ended WHERE conversation.owner = ended.id)
SELECT id FROM ended`;

/**
 * Takes conversation `$2` for server `$1` if nobody has it, or its owner is not live. The caller has made
 * sure that the server itself holds no fence for it: then it is a lease whose release was never stored.
 */
export const ACQUIRE = `
WITH before AS (SELECT owner FROM conversation WHERE id = $2)
INSERT INTO conversation (id, owner, generation) VALUES ($2, $1, 1)
ON CONFLICT (id) DO UPDATE SET owner = $1, generation = conversation.generation + 1
WHERE conversation.owner IS NULL OR conversation.owner = $1
  OR (NOT ${HAS_LIVE_OWNER} AND ${MAY_TAKE_OVER})
RETURNING generation, (SELECT owner FROM before) AS previous`;

/** Releases the conversations `$2` of the server `$1` that still have the generations `$3`. */
export const RELEASE = `
UPDATE conversation SET owner = NULL
FROM unnest($2::uuid[], $3::bigint[]) AS fence (id, generation)
WHERE conversation.id = fence.id AND conversation.generation = fence.generation AND conversation.owner = $1`;

/** Of the conversations `$2` those that the server `$1` still owns with the generations `$3`. */
export const STILL_HELD = `
SELECT conversation.id FROM conversation
JOIN unnest($2::uuid[], $3::bigint[]) AS fence (id, generation)
  ON conversation.id = fence.id AND conversation.generation = fence.generation
WHERE conversation.owner = $1`;

/** The live owner of conversation `$1`. */
export const OWNER_OF = `
SELECT server.id, server.url, server.proof, server.lease_until, ${LEASE_LEFT} AS lease_left FROM conversation JOIN server ON server.id = conversation.owner
WHERE conversation.id = $1 AND ${IS_LIVE}`;

/**
 * Conversations that are stored as running without a live owner, and that the server `$1` may take. In random
 * order: servers that look at the same time rarely try the same ones.
 */
export const ABANDONED = `
SELECT conversation.id FROM metadata JOIN conversation ON conversation.id = metadata.conversation
WHERE metadata.execution_status = 'running' AND NOT ${HAS_LIVE_OWNER}
  AND (conversation.owner IS NULL OR ${MAY_TAKE_OVER})
ORDER BY random() LIMIT $2`;

/** All live servers. */
export const LIVE_SERVERS = `
SELECT id, url, proof, host, version, started_at, lease_until, ${LEASE_LEFT} AS lease_left, running, max_running,
  (SELECT count(*)::int FROM conversation WHERE conversation.owner = server.id) AS conversations
FROM server WHERE ${IS_LIVE} ORDER BY started_at, id`;

/**
 * Servers whose lease ended long ago: nothing of them is needed any more. Their conversations count as free
 * without the row.
 */
export const FORGET_SERVERS = `DELETE FROM server WHERE lease_until < clock_timestamp() - interval '1 hour'`;
