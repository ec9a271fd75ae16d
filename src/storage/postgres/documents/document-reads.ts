import { MAX_DOCUMENT_BYTES } from '../../documents.js';
import type { Database, Queryable } from '../database/index.js';

/** The text of a document; null if it is too large to be read. */
export interface StoredText {
  text: string | null;
}

/** Names that a folder is searched for, at most: rows that others have added must not make requests slow. */
const MAX_NAMES = 10_000;

const TEXTS = `
  SELECT name, CASE WHEN octet_length(content) <= $2 THEN content END AS text
  FROM document WHERE name = ANY($1::text[])`;

const NAMES = `
  SELECT name FROM document WHERE starts_with(name, $1) ORDER BY name LIMIT ${MAX_NAMES}`;

/** The texts of documents by name. */
export async function readTexts(
  database: Pick<Queryable, 'query'>,
  names: readonly string[],
): Promise<Map<string, StoredText>> {
  const { rows } = await database.query<StoredText & { name: string }>(TEXTS, [names, MAX_DOCUMENT_BYTES]);
  return new Map(rows.map(({ name, text }) => [name, { text }]));
}

/** The full names that begin with a prefix. */
export async function readNames(database: Pick<Queryable, 'query'>, prefix: string): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(NAMES, [prefix]);
  return rows.map(({ name }) => name);
}

/**
 * Reads outside of changes. Those that begin together share one statement: a list reads each of its entries.
 */
export class DocumentReads {
  private readonly repeatable: Pick<Queryable, 'query'>;
  private next: { names: Set<string>; texts: Promise<Map<string, StoredText>> } | undefined;

  constructor(database: Database) {
    this.repeatable = { query: (text, values) => database.read(text, values) };
  }

  names(prefix: string): Promise<string[]> {
    return readNames(this.repeatable, prefix);
  }

  async text(name: string): Promise<StoredText | undefined> {
    this.next ??= this.batch();
    this.next.names.add(name);
    return (await this.next.texts).get(name);
  }

  private batch(): NonNullable<typeof this.next> {
    const names = new Set<string>();
    const texts = Promise.resolve().then(() => {
      this.next = undefined;
      return readTexts(this.repeatable, [...names]);
    });
    return { names, texts };
  }
}
