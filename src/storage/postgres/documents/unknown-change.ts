import { setTimeout as sleep } from 'node:timers/promises';
import { StorageFailedError } from '../../storage-errors.js';
import type { Database, OutcomeUnknownError } from '../database/index.js';

/** How long the outcome of a change is asked for (ms); the request fails after that. */
const LIMIT_MS = 60_000;
const PAUSE_MS = 100;

/**
 * Whether a change whose connection was lost during the commit is stored. Asks until the answer is final.
 * @throws OutcomeUnknownError if the database does not come back in time
 */
export async function wasStored(
  database: Database,
  change: string,
  unknown: OutcomeUnknownError,
): Promise<boolean> {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    try {
      return await database.transaction(async (transaction) => {
        // Its transaction may still be at work in the database: it holds this row.
        await transaction.query('SELECT FROM document_state FOR SHARE');
        const { rowCount } = await transaction.query('SELECT FROM document_change WHERE id = $1', [change]);
        return rowCount > 0;
      });
    } catch (error) {
      if (!(error instanceof StorageFailedError)) throw error;
      if (performance.now() > end) throw unknown;
    }
    await sleep(PAUSE_MS, undefined, { ref: false });
  }
}
