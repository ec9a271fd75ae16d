import { ServerTurns, type Turn } from '../../server-turns.js';
import type { Database } from '../database/index.js';

/** Advisory locks are of the whole database: this number and one of schema and name (`OHtu` in ASCII). */
const LOCK = 0x4f487475;
const TRY_LOCK = `SELECT pg_try_advisory_lock($1, hashtext(current_schema() || ' ' || $2)) AS locked`;

/** Turns as advisory locks of a connection of their own: the database ends them with their server. */
export class PostgresTurns extends ServerTurns {
  constructor(private readonly database: Database) {
    super();
  }

  override async tryTake<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<Turn<T>> {
    const client = await this.database.connect();
    const lost = new AbortController();
    client.on('end', () => lost.abort());
    client.on('error', () => lost.abort());
    try {
      const { rows } = await client.query<{ locked: boolean }>(TRY_LOCK, [LOCK, name]);
      if (rows[0]?.locked !== true) return { taken: false };
      return { taken: true, result: await work(lost.signal) };
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
