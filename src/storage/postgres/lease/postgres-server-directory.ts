import { ServerDirectory, type ServerFacts, type ServerRecord } from '../../server-directory.js';
import type { Repeatable } from '../database/index.js';
import { LIVE_SERVERS } from './lease-statements.js';
import type { ServerLease } from './server-lease.js';

interface ServerRow {
  id: string;
  url: string | null;
  proof: string | null;
  host: string;
  version: string;
  started_at: Date;
  lease_until: Date;
  lease_left: number;
  conversations: number;
  running: number;
  max_running: number;
}

/** The servers that renew their leases in the database. */
export class PostgresServerDirectory extends ServerDirectory {
  constructor(
    private readonly database: Repeatable,
    private readonly server: ServerLease,
  ) {
    super();
  }

  override get selfId(): string {
    return this.server.id;
  }

  override report(facts: () => ServerFacts): void {
    this.server.report(facts);
  }

  override async list(): Promise<ServerRecord[]> {
    const { rows } = await this.database.read<ServerRow>(LIVE_SERVERS);
    return rows.map(({ started_at, lease_until, lease_left, max_running, ...row }) => ({
      ...row,
      isSelf: row.id === this.server.id,
      startedAt: started_at.toISOString(),
      leaseUntil: lease_until.toISOString(),
      leaseLeftMs: lease_left,
      maxRunning: max_running,
    }));
  }
}
