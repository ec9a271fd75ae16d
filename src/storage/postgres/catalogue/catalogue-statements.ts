import type { CatalogueCursor, CatalogueOrder, CatalogueQuery } from '../../catalogue.js';
import { HAS_LIVE_OWNER } from '../lease/lease-statements.js';

const ENTRY = `conversation AS id, created_at, updated_at, execution_status,
  parent AS parent_conversation_id, owner_key, version`;

type Column = 'created_at' | 'updated_at' | 'conversation';

/** The columns of the orders, with the index of each: see the migration. */
const ORDERS: Record<CatalogueOrder, { columns: readonly Column[]; descending: boolean }> = {
  CREATED_AT: { columns: ['created_at', 'conversation'], descending: false },
  CREATED_AT_DESC: { columns: ['created_at', 'conversation'], descending: true },
  UPDATED_AT: { columns: ['updated_at', 'created_at', 'conversation'], descending: false },
  UPDATED_AT_DESC: { columns: ['updated_at', 'created_at', 'conversation'], descending: true },
};

/** Where a page begins: at a place or behind it. */
export interface PageStart {
  place: CatalogueCursor;
  isIncluded: boolean;
}

/** The statement of a page, and its values. */
export function pageStatement(
  { order, limit, status, ownerKey }: Pick<CatalogueQuery, 'order' | 'limit' | 'status' | 'ownerKey'>,
  start?: PageStart,
): { text: string; values: unknown[] } {
  const { columns, descending } = ORDERS[order];
  const values: unknown[] = [limit];
  const value = (it: unknown): string => `$${values.push(it)}`;
  const conditions = matching({ status, ownerKey }, value);
  if (start) {
    const fields = { ...start.place, conversation: start.place.id };
    const beyond = `${descending ? '<' : '>'}${start.isIncluded ? '=' : ''}`;
    const place = columns.map((column) => value(fields[column])).join(', ');
    conditions.push(`(${columns.join(', ')}) ${beyond} (${place})`);
  }
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const by = columns.map((column) => `${column} ${descending ? 'DESC' : 'ASC'}`).join(', ');
  return { text: `SELECT ${ENTRY} FROM metadata ${where} ORDER BY ${by} LIMIT $1`, values };
}

export const ENTRY_OF = `SELECT ${ENTRY} FROM metadata WHERE conversation = $1`;

/** The statement of a count, and its values. */
export function countStatement(filter: Pick<CatalogueQuery, 'status' | 'ownerKey'>): {
  text: string;
  values: unknown[];
} {
  const values: unknown[] = [];
  const conditions = matching(filter, (it) => `$${values.push(it)}`);
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  return { text: `SELECT count(*) AS count FROM metadata ${where}`, values };
}

function matching(
  { status, ownerKey }: Pick<CatalogueQuery, 'status' | 'ownerKey'>,
  value: (it: unknown) => string,
): string[] {
  return [
    ...(status === undefined ? [] : [`execution_status = ${value(status)}`]),
    ...(ownerKey === undefined ? [] : [`owner_key = ${value(ownerKey)}`]),
  ];
}

export const CHILDREN =
  'SELECT conversation AS id, parent FROM metadata WHERE parent = ANY($1::uuid[]) ORDER BY created_at, conversation';

/** The contents of conversations, with the fields that may be newer than they. */
export const LOAD = `SELECT ${ENTRY}, content FROM metadata WHERE conversation = ANY($1::uuid[])`;

export const STAMPS = 'SELECT conversation AS id, version FROM metadata WHERE conversation = ANY($1::uuid[])';

/**
 * Saves metadata if `$7` is still the generation of the conversation, and says whether it is. An owner that
 * has lost the lease in the same moment may still come before the new one, never after it, and a save that
 * was late on its way never after a later one: the row remembers the newest generation, and the number `$8`
 * of its save. A reference to the conversation keeps it from coming after a removal.
 */
export const SAVE = `
WITH saved AS (
  INSERT INTO metadata
    (conversation, created_at, updated_at, execution_status, parent, content, version, generation, save, owner_key)
  SELECT id, $2, $3, $4, $5, $6, nextval('metadata_version'), $7, $8, $9
  FROM conversation WHERE id = $1 AND generation = $7
  ON CONFLICT (conversation) DO UPDATE SET
    created_at = excluded.created_at, updated_at = excluded.updated_at,
    execution_status = excluded.execution_status, parent = excluded.parent, content = excluded.content,
    version = excluded.version, generation = excluded.generation, save = excluded.save,
    owner_key = excluded.owner_key
  WHERE (metadata.generation, metadata.save) <= (excluded.generation, excluded.save))
SELECT EXISTS (SELECT FROM conversation WHERE id = $1 AND generation = $7) AS held`;

/**
 * Updates what lists show of conversations whose owners have the generations `$4`. Rows that did not change,
 * or for which a newer snapshot was saved meanwhile, stay as they are.
 */
export const UPDATE_ENTRIES = `
UPDATE metadata SET
  updated_at = entry.updated_at, execution_status = entry.status, generation = entry.generation,
  version = nextval('metadata_version')
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) AS entry (id, updated_at, status, generation)
JOIN conversation ON conversation.id = entry.id AND conversation.generation = entry.generation
WHERE metadata.conversation = entry.id AND metadata.generation <= entry.generation
  AND metadata.updated_at <= entry.updated_at
  AND (metadata.updated_at, metadata.execution_status) IS DISTINCT FROM (entry.updated_at, entry.status)`;

/**
 * The first step of a removal: the conversation is gone for everybody, and no writer of it is left. Not while
 * another live server owns it.
 */
export const BEGIN_REMOVAL = `
WITH removed AS (
  UPDATE conversation SET generation = generation + 1, owner = $2
  WHERE id = $1 AND (owner IS NULL OR owner = $2 OR NOT ${HAS_LIVE_OWNER})
  RETURNING id, length),
gone AS (DELETE FROM metadata USING removed WHERE metadata.conversation = removed.id)
SELECT length FROM removed`;

/** Removes events `$2` to `$3` of a log. */
export const REMOVE_EVENTS = 'DELETE FROM event WHERE conversation = $1 AND seq >= $2 AND seq < $3';

/** The last step: until then the removal can be repeated. */
export const END_REMOVAL = `
DELETE FROM conversation WHERE id = $1
  AND NOT EXISTS (SELECT FROM metadata WHERE metadata.conversation = conversation.id)`;

/**
 * Conversations without metadata whose owner is not live: what was left of a creation or a removal. Only the
 * owned ones are looked at, which the index on the owner finds.
 */
export const LEFTOVERS = `
SELECT id FROM conversation
WHERE owner IS NOT NULL AND NOT ${HAS_LIVE_OWNER}
  AND NOT EXISTS (SELECT FROM metadata WHERE metadata.conversation = conversation.id)
LIMIT $1`;
