import { IS_LIVE, MAY_TAKE_OVER } from '../lease/lease-statements.js';

/** Locks the history `$1` for the rest of the transaction. */
export const LOCK_HISTORY = 'SELECT next FROM bash_history WHERE scope = $1 FOR UPDATE';

export const CREATE_HISTORY = 'INSERT INTO bash_history (scope) VALUES ($1) ON CONFLICT DO NOTHING';

/**
 * Stores the events of the arrays in the history `$1`, whose row is locked, for the server `$2`. Events that
 * are stored already are left as they are. Outputs of commands that the server does not run (any more) are
 * left out. A separate statement from the lock, so that it sees what was stored before the lock was granted.
 */
export const STORE = `
WITH input AS (
  SELECT * FROM unnest($3::uuid[], $4::uuid[], $5::int[], $6::bigint[], $7::int[], $8::text[], $9::bool[])
    WITH ORDINALITY AS input (id, command, command_order, micros, bytes, line, is_last, place)
), stored AS (
  SELECT id, number FROM bash_event WHERE scope = $1 AND id = ANY ($3::uuid[])
), accepted AS (
  SELECT input.*, history.next + row_number() OVER (ORDER BY place) - 1 AS number
  FROM input, bash_history history
  WHERE history.scope = $1 AND input.id NOT IN (SELECT id FROM stored) AND (input.command IS NULL OR EXISTS (
    SELECT FROM bash_command WHERE bash_command.id = input.command AND bash_command.server = $2))
), started AS (
  INSERT INTO bash_command (id, scope, server) SELECT id, $1, $2 FROM accepted WHERE command IS NULL
  ON CONFLICT DO NOTHING
), ended AS (
  DELETE FROM bash_command USING accepted WHERE bash_command.id = accepted.command AND accepted.is_last
), grown AS (
  UPDATE bash_history SET
    next = next + (SELECT count(*) FROM accepted),
    bytes = bytes + (SELECT coalesce(sum(bytes), 0) FROM accepted),
    oldest = coalesce(oldest, (SELECT micros FROM accepted ORDER BY place LIMIT 1))
  WHERE scope = $1
), inserted AS (
  INSERT INTO bash_event (scope, number, id, command, command_order, micros, bytes, line)
  SELECT $1, number, id, command, command_order, micros, bytes, line FROM accepted
  RETURNING id, number
)
SELECT id, number FROM inserted UNION ALL SELECT id, number FROM stored`;

/**
 * Whether the history `$1` exceeds `$2` events or `$3` bytes, or has events from before `$4` (microseconds).
 */
export const EXCEEDS = `
SELECT scope FROM bash_history
WHERE scope = $1 AND first < next AND (next - first > $2 OR bytes > $3 OR oldest < $4)`;

/** Events that one statement removes, at most. */
const TRIM_EVENTS = 1000;

/**
 * Removes the oldest events of the history `$1`, whose row is locked, until it has at most `$2` events and
 * `$3` bytes, and no events from before `$4` at its beginning; at most `TRIM_EVENTS`.
 */
export const TRIM = `
WITH history AS (
  SELECT next, bytes FROM bash_history WHERE scope = $1
), oldest AS (
  SELECT number, micros, bytes, sum(bytes) OVER (ORDER BY number) - bytes AS before
  FROM (SELECT number, micros, bytes FROM bash_event WHERE scope = $1 ORDER BY number LIMIT ${TRIM_EVENTS + 1}) AS event
), kept AS (
  SELECT min(number) AS number FROM oldest, history
  WHERE NOT (history.next - number > $2 OR history.bytes - before > $3 OR coalesce(micros < $4, false))
), cut AS (
  SELECT coalesce(kept.number, CASE WHEN (SELECT count(*) FROM oldest) > ${TRIM_EVENTS}
    THEN (SELECT max(number) FROM oldest) ELSE history.next END) AS number
  FROM kept, history
), dropped AS (
  DELETE FROM bash_event USING cut WHERE scope = $1 AND bash_event.number < cut.number RETURNING bytes
)
UPDATE bash_history SET
  first = cut.number,
  bytes = bash_history.bytes - (SELECT coalesce(sum(bytes), 0) FROM dropped),
  oldest = (SELECT micros FROM oldest WHERE oldest.number = cut.number)
FROM cut WHERE scope = $1`;

export const RANGE = 'SELECT first, next FROM bash_history WHERE scope = $1';

/**
 * The events of history `$1` from number `$2` on, at most `$4`, while those before have less than `$3` bytes.
 */
export const EVENTS_FROM = `
SELECT number, line FROM (
  SELECT number, line, sum(bytes) OVER (ORDER BY number) - bytes AS before
  FROM (SELECT number, line, bytes FROM bash_event WHERE scope = $1 AND number >= $2 ORDER BY number LIMIT $4) AS event
) AS summed
WHERE before < $3 ORDER BY number`;

export const EVENT = `
SELECT number, id, command, micros, line FROM bash_event WHERE scope = $1 AND id = $2`;

/** Of the events `$2` of history `$1` their lines, by number. */
export const LINES = `
SELECT number, line FROM bash_event WHERE scope = $1 AND number = ANY ($2::bigint[]) ORDER BY number`;

/** The search of a page, without the lines. @param descending newest first */
export function pageStatement(descending: boolean): string {
  const [after, order] = descending ? ['<=', 'DESC'] : ['>=', 'ASC'];
  return `
SELECT number, id, command, micros, bytes FROM bash_event
WHERE scope = $1
  AND ($2::boolean IS NULL OR (command IS NULL) = $2)
  AND ($3::uuid IS NULL OR command = $3)
  AND ($4::bigint IS NULL OR micros >= $4)
  AND ($5::bigint IS NULL OR micros < $5)
  AND ($6::bigint IS NULL OR command IS NULL OR command_order > $6)
  AND ($7::bigint IS NULL OR number ${after} $7)
ORDER BY number ${order} LIMIT $8`;
}

/** Removes the oldest events below number `$3` of the history `$1`, whose row is locked; at most `$2`. */
export const CLEAR = `
WITH removed AS (
  DELETE FROM bash_event WHERE scope = $1 AND number < $3 AND number IN (
    SELECT number FROM bash_event WHERE scope = $1 ORDER BY number LIMIT $2)
  RETURNING number, bytes
), rest AS (
  UPDATE bash_history SET
    first = greatest(first, (SELECT max(number) + 1 FROM removed)),
    bytes = bytes - (SELECT coalesce(sum(bytes), 0) FROM removed),
    oldest = (SELECT micros FROM bash_event
      WHERE scope = $1 AND number > (SELECT max(number) FROM removed) ORDER BY number LIMIT 1)
  WHERE scope = $1 AND EXISTS (SELECT FROM removed)
)
SELECT count(*)::int AS count FROM removed`;

/**
 * Removes the row of an empty history, and the commands that ran in it: their output is refused from then on.
 */
export const REMOVE_HISTORY = `
WITH commands AS (DELETE FROM bash_command WHERE scope = $1)
DELETE FROM bash_history WHERE scope = $1`;

/** Histories of conversations that do not exist any more, at most `$2`; `$1` is that of the servers. */
export const ORPHANS = `
SELECT scope FROM bash_history
WHERE scope <> $1 AND NOT EXISTS (SELECT FROM metadata WHERE conversation = scope) LIMIT $2`;

/** Histories with events from before `$1`, at most `$2`. */
export const EXPIRED = 'SELECT scope FROM bash_history WHERE oldest < $1 LIMIT $2';

export const REQUEST_STOP = `
UPDATE bash_command SET stop_requested = true WHERE id = $1 AND scope = $2`;

export const IS_RUNNING = 'SELECT FROM bash_command WHERE id = $1';

/** The commands of the server `$1` that others want to have stopped. */
export const STOP_REQUESTS = 'SELECT id FROM bash_command WHERE server = $1 AND stop_requested';

/**
 * Commands of servers that are not live, at most `$2`, with the number of their next output, if the server
 * `$1` may take over from others.
 */
export const ABANDONED_COMMANDS = `
SELECT id, scope, server, coalesce((SELECT max(command_order) + 1 FROM bash_event
  WHERE bash_event.scope = abandoned.scope AND bash_event.command = abandoned.id), 0) AS next_order
FROM bash_command AS abandoned
WHERE NOT EXISTS (SELECT FROM server WHERE server.id = abandoned.server AND ${IS_LIVE})
  AND ${MAY_TAKE_OVER}
LIMIT $2`;
