import { hasProvablyEnded } from '../../../processes/index.js';
import type { Queryable } from '../database/connections.js';
import { END_SERVER, PREDECESSORS } from './lease-statements.js';

/**
 * Ends the leases of servers that ran in the place of the server `selfId` (same host, same `server_url`) and
 * whose processes have provably ended without releasing them (`kill -9`, no memory left).
 * @returns the ids of those servers
 * @throws StorageFailedError
 */
export async function endPredecessors(queries: Queryable, selfId: string): Promise<string[]> {
  const { rows } = await queries.query<{ id: string; process: string }>(PREDECESSORS, [selfId]);
  const ended: string[] = [];
  for (const { id, process } of rows) {
    if (!(await hasProvablyEnded(process))) continue;
    const { rows: own } = await queries.query<{ id: string }>(END_SERVER, [id, process]);
    ended.push(...own.map((row) => row.id));
  }
  return ended;
}
