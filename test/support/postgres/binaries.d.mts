/** Why PostgreSQL cannot be started here; undefined if it can. */
export const POSTGRES_MISSING: string | undefined;
