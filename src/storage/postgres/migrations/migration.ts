/** One change of the schema. It is never edited once it was released. */
export interface Migration {
  /** Migrations run in this order, each once. */
  version: number;
  /** What it is about, for people who read the table. */
  name: string;
  /**
   * The oldest version whose servers can use the schema after this change. Below `version` for changes that
   * old servers do not notice (new tables, new columns with defaults), so that servers can be replaced one by
   * one; the version itself for the first one and for breaks.
   */
  compatibleFrom: number;
  /** Statements, separated by semicolons: one transaction, in the first schema of `search_path`. */
  sql: string;
}
