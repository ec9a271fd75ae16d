import { HAS_LIVE_OWNER, IS_LIVE, MAY_TAKE_OVER } from '../lease/lease-statements.js';

// `$1` is this server and `$2` the webhook, unless a statement says otherwise.

/** Whether nobody delivers what a row of this table is about, so that the server `$1` may. */
function isAbandoned(table: string): string {
  const holder = `SELECT FROM server WHERE server.id = ${table}.server`;
  return `(${table}.server IS NULL OR NOT EXISTS (${holder})
    OR (NOT EXISTS (${holder} AND ${IS_LIVE}) AND ${MAY_TAKE_OVER}))`;
}

/** The next event to deliver: what another server has asked for comes first. */
const NEXT = 'least(webhook_position.position, webhook_position.rewind_to)';

/** The columns of an entry, as JSON. */
const ENTRY = `json_build_object('id', id, 'conversation', conversation, 'isTail', content IS NULL,
  'since', extract(epoch FROM created_at) * 1000)`;

/**
 * Makes this server, if it owns them, the one that delivers the conversations `$3` with their positions `$4`
 * unless they have one; takes the entries that other servers have.
 */
export const CLAIM = `
WITH owned AS (
  SELECT conversation.id, conversation.generation, claim.position
  FROM unnest($3::uuid[], $4::bigint[]) AS claim (conversation, position)
  JOIN conversation ON conversation.id = claim.conversation AND conversation.owner = $1
), taken AS (
  UPDATE webhook_entry SET server = $1 FROM owned
  WHERE webhook_entry.webhook = $2 AND webhook_entry.conversation = owned.id
    AND webhook_entry.server IS DISTINCT FROM $1
  RETURNING webhook_entry.*
), claimed AS (
  INSERT INTO webhook_position (conversation, webhook, position, generation, server)
  SELECT id, $2, position, generation, $1 FROM owned ORDER BY id
  ON CONFLICT (conversation, webhook) DO UPDATE SET
    position = ${NEXT}, rewind_to = NULL, generation = excluded.generation, server = excluded.server
  WHERE webhook_position.generation <= excluded.generation
  RETURNING conversation, position, generation
)
SELECT conversation, position, generation,
  (SELECT json_agg(${ENTRY} ORDER BY number) FROM taken WHERE taken.conversation = claimed.conversation) AS entries
FROM claimed`;

/** Stores the position `$4` of conversation `$3`, which this server must own. */
export const SET_POSITION = `
INSERT INTO webhook_position (conversation, webhook, position, generation, server)
SELECT conversation.id, $2, $4::bigint, conversation.generation, $1
FROM conversation WHERE conversation.id = $3 AND conversation.owner = $1
ON CONFLICT (conversation, webhook) DO UPDATE SET
  position = excluded.position,
  rewind_to = CASE WHEN webhook_position.rewind_to < excluded.position THEN webhook_position.rewind_to END,
  generation = excluded.generation, server = excluded.server
WHERE webhook_position.generation <= excluded.generation
RETURNING generation`;

/** Of conversation `$2` for webhook `$1`. */
export const POSITION = `
SELECT ${NEXT} AS position FROM webhook_position WHERE conversation = $2 AND webhook = $1`;

/**
 * Commits without waiting for the disk: after a crash of the database older positions and delivered entries
 * may be found, and are delivered twice.
 */
const LATE = `(SELECT set_config('synchronous_commit', 'off', true)) AS setting`;

/** Stores the positions `$5` of the conversations `$3`, unless they have later generations than `$4`. */
export const ADVANCE = `
UPDATE webhook_position SET position = late.position, server = $1
FROM unnest($3::uuid[], $4::bigint[], $5::bigint[]) AS late (conversation, generation, position), ${LATE}
WHERE webhook_position.conversation = late.conversation AND webhook_position.webhook = $2
  AND webhook_position.generation = late.generation`;

/**
 * Removes the positions of the conversations `$3` with the generations `$4`, if these are known. Those that
 * another server has asked to set back stay.
 */
export const REMOVE_POSITIONS = `
DELETE FROM webhook_position USING unnest($3::uuid[], $4::bigint[]) AS done (conversation, generation)
WHERE webhook_position.conversation = done.conversation AND webhook = $2 AND rewind_to IS NULL
  AND (webhook_position.generation = done.generation
    OR (done.generation IS NULL AND webhook_position.server = $1))`;

/** Leaves the conversations `$3` to whoever may take them. */
export const LEAVE = `
UPDATE webhook_position SET server = NULL
WHERE conversation = ANY ($3::uuid[]) AND webhook = $2 AND server = $1`;

/**
 * Takes over at most `$3` conversations with pending events that nobody delivers. In random order: servers
 * that look at the same time share them.
 */
export const TAKE_OVER = `
WITH due AS (
  SELECT webhook_position.conversation
  FROM webhook_position JOIN conversation ON conversation.id = webhook_position.conversation
  WHERE webhook_position.webhook = $2 AND ${NEXT} < conversation.length AND ${isAbandoned('webhook_position')}
    AND (conversation.owner IS NULL OR conversation.owner = $1 OR NOT ${HAS_LIVE_OWNER})
  ORDER BY random() LIMIT $3
  FOR UPDATE OF webhook_position SKIP LOCKED
)
UPDATE webhook_position SET server = $1 FROM due
WHERE webhook_position.conversation = due.conversation AND webhook_position.webhook = $2
RETURNING webhook_position.conversation, webhook_position.generation`;

/**
 * Takes over at most `$3` entries that nobody delivers, oldest first. One server at a time: entries of one
 * conversation must not be divided between two. Those behind an entry that another server has must wait.
 */
export const ADOPT = `
WITH due AS (
  SELECT webhook_entry.id FROM webhook_entry
  WHERE webhook_entry.webhook = $2 AND ${isAbandoned('webhook_entry')} AND NOT EXISTS (
    SELECT FROM webhook_entry earlier
    WHERE earlier.webhook = $2 AND earlier.conversation = webhook_entry.conversation
      AND earlier.number < webhook_entry.number AND earlier.server <> $1 AND NOT ${isAbandoned('earlier')})
  ORDER BY webhook_entry.number LIMIT $3
  FOR UPDATE SKIP LOCKED
), adopted AS (
  UPDATE webhook_entry SET server = $1 FROM due WHERE webhook_entry.id = due.id RETURNING webhook_entry.*
)
SELECT json_agg(${ENTRY} ORDER BY number) AS entries FROM adopted`;

/** Whether this transaction is the only one that adopts entries of the webhook `$1`. */
export const LOCK_ADOPTION = `
SELECT pg_try_advisory_xact_lock(hashtext(current_schema() || '.webhook_entry'), hashtext($1)) AS locked`;

/** Stores changes: ids `$3`, conversations `$4`, contents `$5`. */
export const ADD_CHANGES = `
INSERT INTO webhook_entry (id, webhook, conversation, content, server)
SELECT id, $2, conversation, content, $1
FROM unnest($3::uuid[], $4::uuid[], $5::text[]) WITH ORDINALITY AS added (id, conversation, content, place)
ORDER BY place
ON CONFLICT (id) DO NOTHING`;

/** Adds the tail `$3` of conversation `$4`, without its lines. */
export const ADD_TAIL = `
INSERT INTO webhook_entry (id, webhook, conversation, length, server) VALUES ($3, $2, $4, 0, $1)`;

/** Adds the lines `$3` to the tail `$1`, from number `$2` on. */
export const ADD_LINES = `
WITH added AS (
  INSERT INTO webhook_tail (entry, seq, line)
  SELECT $1, $2::bigint + place - 1, line FROM unnest($3::text[]) WITH ORDINALITY AS lines (line, place)
)
UPDATE webhook_entry SET length = $2::bigint + cardinality($3::text[]) WHERE id = $1`;

/** Of an entry `$2` that this server `$1` has. */
export const CONTENT = `SELECT content FROM webhook_entry WHERE id = $2 AND server = $1`;
export const TAIL_LENGTH = `SELECT length, position FROM webhook_entry WHERE id = $2 AND server = $1`;

/** The lines of the tail `$2` from number `$3` on: at most `$4`, of `$5` bytes in all or a single one. */
export const TAIL_LINES = `
SELECT line FROM (
  SELECT line, seq, sum(octet_length(line)) OVER (ORDER BY seq) AS bytes FROM webhook_tail
  WHERE entry = $2 AND seq >= $3::bigint
    AND EXISTS (SELECT FROM webhook_entry WHERE webhook_entry.id = $2 AND webhook_entry.server = $1)
  ORDER BY seq LIMIT $4
) AS next
WHERE bytes <= $5::bigint OR seq = $3::bigint ORDER BY seq`;

/** Stores the positions `$3` of the tails `$2`. */
export const ADVANCE_TAILS = `
UPDATE webhook_entry SET position = late.position
FROM unnest($2::uuid[], $3::bigint[]) AS late (id, position), ${LATE}
WHERE webhook_entry.id = late.id AND webhook_entry.server = $1`;

/** Removes the entries `$2`. */
export const REMOVE_ENTRIES = `
DELETE FROM webhook_entry USING ${LATE} WHERE webhook_entry.id = ANY ($2::uuid[]) AND server = $1`;

/** At most `$3` conversations that this server delivers and that others have asked to set back. */
export const REWINDS = `
SELECT conversation, rewind_to AS position FROM webhook_position
WHERE webhook = $2 AND server = $1 AND rewind_to IS NOT NULL LIMIT $3`;

/** Has the server that delivers conversation `$2` set its position for webhook `$1` back to `$3`. */
export const REQUEST_REWIND = `
UPDATE webhook_position SET rewind_to = least(rewind_to, $3::bigint) WHERE conversation = $2 AND webhook = $1`;

/** What other servers have pending, all or of conversation `$3`, and `$4` of their lanes. */
export const REMOTE = `
WITH pending AS (
  SELECT webhook_position.conversation, 'events' AS kind, conversation.length - ${NEXT} AS count,
    ${NEXT} AS position, NULL::float8 AS since,
    (SELECT timestamp FROM event WHERE event.conversation = conversation.id AND event.seq = ${NEXT}) AS event_time
  FROM webhook_position JOIN conversation ON conversation.id = webhook_position.conversation
  WHERE webhook_position.webhook = $2 AND webhook_position.server IS DISTINCT FROM $1
    AND ${NEXT} < conversation.length AND ($3::uuid IS NULL OR webhook_position.conversation = $3)
  UNION ALL
  SELECT conversation, CASE WHEN content IS NULL THEN 'events' ELSE 'changes' END, length - position,
    NULL, extract(epoch FROM created_at) * 1000, NULL
  FROM webhook_entry
  WHERE webhook = $2 AND server IS DISTINCT FROM $1 AND ($3::uuid IS NULL OR conversation = $3)
), lanes AS (
  SELECT conversation, kind, sum(count)::bigint AS pending, max(position) AS position, min(since) AS since,
    min(event_time) AS "eventTime"
  FROM pending GROUP BY conversation, kind
)
SELECT
  coalesce(sum(pending) FILTER (WHERE kind = 'events'), 0)::bigint AS events,
  coalesce(sum(pending) FILTER (WHERE kind = 'changes'), 0)::bigint AS changes,
  count(DISTINCT conversation) AS conversations, count(*) AS lane_count,
  min(since) AS since, min("eventTime") AS event_time,
  (SELECT json_agg(shown) FROM (SELECT * FROM lanes ORDER BY "eventTime", since LIMIT $4) AS shown) AS lanes
FROM lanes`;

/** Notes that the webhook `$1` is in use. */
export const USE = `
INSERT INTO webhook (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET used_at = clock_timestamp()`;

/**
 * Removes positions of webhook `$1` that servers have left which are gone for long, of conversations that are
 * delivered: a frozen server may still end an append before.
 */
export const TIDY = `
DELETE FROM webhook_position USING conversation
WHERE conversation.id = webhook_position.conversation AND webhook_position.webhook = $1
  AND webhook_position.position >= conversation.length AND webhook_position.rewind_to IS NULL
  AND webhook_position.server IS NOT NULL
  AND NOT EXISTS (SELECT FROM server WHERE server.id = webhook_position.server)
  AND NOT ${HAS_LIVE_OWNER}`;

/** Removes webhooks other than `$1` that no server has used for a week. */
export const REMOVE_UNUSED = `
WITH unused AS (
  DELETE FROM webhook WHERE id <> ALL ($1::text[]) AND used_at < clock_timestamp() - interval '7 days'
  RETURNING id
), positions AS (
  DELETE FROM webhook_position USING unused WHERE webhook_position.webhook = unused.id
), entries AS (
  DELETE FROM webhook_entry USING unused WHERE webhook_entry.webhook = unused.id
)
SELECT id FROM unused`;
