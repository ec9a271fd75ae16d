import { catalogueEntry, type CatalogueEntry, type StoredMetadata } from '../../catalogue.js';

/** A row of the metadata, without its content. */
export interface EntryRow extends CatalogueEntry {
  version: number;
}

/** A row of the metadata. */
export interface MetadataRow extends EntryRow {
  content: string;
}

/** A time as in the metadata: pages of lists are cut at them. */
const TIME = /^[0-9T:.Z+-]{10,40}$/;

/** The entry of a row. Undefined if it is not one that this server has written. */
export function entryOf(row: EntryRow): CatalogueEntry | undefined {
  if (!TIME.test(row.created_at) || !TIME.test(row.updated_at)) return undefined;
  return catalogueEntry(row);
}

/**
 * The metadata of a row. What lists show of it is taken from the columns, which may be newer than the
 * content.
 * @throws Error saying what is damaged
 */
export function metadataOf(row: MetadataRow): StoredMetadata {
  const entry = entryOf(row);
  if (!entry) throw new Error('a time is not valid');
  const content = parse(row.content);
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new Error('it is not an object');
  const id: unknown = Reflect.get(content, 'id');
  if (id !== row.id) throw new Error('it belongs to another conversation');
  return { ...content, ...entry };
}

/** The parser's own message would quote the text, which may contain secrets. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(text === '' ? 'it is empty' : 'it is not valid JSON');
  }
}
