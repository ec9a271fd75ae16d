import { Logger } from '@nestjs/common';
import type { AddressProofs } from '../../crypto/index.js';
import { errorMessage } from '../../errors/index.js';
import { ownProcess } from '../../processes/index.js';
import { CONVERSATION_CHANGED, SERVER_LEFT } from '../hints.js';
import type { ConversationFolders } from '../conversation-folders.js';
import type { AuditLogOptions } from '../audit-log.js';
import type { BashHistoryLimits } from '../bash-history.js';
import { PostgresAuditLog } from './audit/postgres-audit-log.js';
import { PostgresAutomationStore } from './automations/postgres-automation-store.js';
import { PostgresBashHistories } from './bash/postgres-bash-histories.js';
import { PostgresCatalogue } from './catalogue/postgres-catalogue.js';
import { PostgresTurns } from './control/postgres-turns.js';
import { ControlConnection } from './control/control-connection.js';
import { connectionConfig, type DatabaseOptions } from './database/database-options.js';
import { Database } from './database/index.js';
import { PostgresDeliveryStore } from './deliveries/postgres-delivery-store.js';
import { PostgresHints } from './hints/postgres-hints.js';
import { PostgresLeaseStore } from './lease/postgres-lease-store.js';
import { PostgresServerDirectory } from './lease/postgres-server-directory.js';
import { endPredecessors } from './lease/predecessors.js';
import { forgetServers, ServerLease } from './lease/server-lease.js';
import { PostgresEventLogStore } from './log/postgres-event-log-store.js';
import { migrate } from './migrations/index.js';
import { toStartError } from './start-error.js';
import { PostgresUsageLedger } from './usage/postgres-usage-ledger.js';

/** Options of the driver. */
interface PostgresStorageOptions {
  database: DatabaseOptions;
  /** Seconds after which others take over from this server if it does not reach the database. */
  leaseSeconds: number;
  /** Where other servers reach this one; null if they cannot. */
  serverUrl: string | null;
  /** Signs the address; undefined without a key. */
  proofs: AddressProofs | undefined;
  folders: ConversationFolders;
}

/** How often rows of servers and conversations that nobody needs any more are removed (ms). */
const CLEAN_UP_MS = 60_000;

/**
 * The storage of this server in a PostgreSQL database: the parts of the driver, and their order at the end.
 */
export class PostgresStorage {
  private readonly logger = new Logger('Storage');
  readonly database: Database;
  readonly logs: PostgresEventLogStore;
  readonly hints: PostgresHints;
  readonly turns: PostgresTurns;
  readonly leases: PostgresLeaseStore;
  readonly catalogue: PostgresCatalogue;
  readonly servers: PostgresServerDirectory;
  readonly deliveries: PostgresDeliveryStore;
  private readonly control: ControlConnection;
  private readonly lease: ServerLease;
  private bash: PostgresBashHistories | undefined;
  private cleaner: NodeJS.Timeout | undefined;
  private cleaning: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly options: PostgresStorageOptions,
    process: string | undefined,
  ) {
    const { database, leaseSeconds, serverUrl: url, proofs, folders } = options;
    this.database = new Database(database);
    // A heartbeat that takes longer is sent again in time.
    const timeoutMs = Math.min(database.timeoutMs, (leaseSeconds * 1000) / 3);
    this.control = new ControlConnection(connectionConfig(database), timeoutMs);
    this.logs = new PostgresEventLogStore(this.database);
    this.hints = new PostgresHints(this.control);
    this.turns = new PostgresTurns(this.database);
    this.lease = new ServerLease(this.control, { leaseSeconds, url, proofs, process });
    this.leases = new PostgresLeaseStore(this.database, this.lease, this.hints);
    this.catalogue = new PostgresCatalogue(this.database, this.leases, folders, (id) =>
      this.hints.tell(CONVERSATION_CHANGED, id),
    );
    this.servers = new PostgresServerDirectory(this.database, this.lease);
    this.deliveries = new PostgresDeliveryStore(this.database, this.lease.id, leaseSeconds);
  }

  /**
   * Connects, brings the schema up to date, and takes the lease of this server.
   * @throws ConfigError, SchemaError, DatabaseStartError if the database cannot be reached
   */
  static async open(options: PostgresStorageOptions): Promise<PostgresStorage> {
    const storage = new PostgresStorage(options, await ownProcess());
    const { serverUrl: url } = options;
    const reached =
      url === null ? 'cannot reach this one: server_url is not set' : `reach this one at ${url}`;
    storage.logger.log(`database: ${storage.database.place}; other servers ${reached}`);
    try {
      await migrate(storage.database);
      await storage.lease.renew();
      await storage.endPredecessors();
    } catch (error) {
      await storage.close();
      throw toStartError(error);
    }
    storage.control.keepConnected();
    storage.cleaner = setInterval(() => {
      storage.cleaning ??= storage.cleanUp().finally(() => (storage.cleaning = undefined));
    }, CLEAN_UP_MS).unref();
    return storage;
  }

  /** The audit log of all servers. */
  auditLog(options: AuditLogOptions): PostgresAuditLog {
    return new PostgresAuditLog(this.database, options);
  }

  /** What models have cost, on all servers. */
  usageLedger(): PostgresUsageLedger {
    return new PostgresUsageLedger(this.database);
  }

  /** The automations of all servers. */
  automations(): PostgresAutomationStore {
    return new PostgresAutomationStore(this.database);
  }

  /** The histories of the bash routes; the limits of the first call hold. */
  bashHistories(limits: BashHistoryLimits): PostgresBashHistories {
    const { database, hints, lease, options } = this;
    this.bash ??= new PostgresBashHistories({
      database,
      hints,
      serverId: lease.id,
      limits,
      sweepSeconds: options.leaseSeconds,
    });
    return this.bash;
  }

  /**
   * Gives up all leases, tells the others, and closes the connections. Call it when all conversations are
   * closed. Idempotent.
   */
  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  /** Others look at once for what a killed process has left, instead of after its lease. */
  private async endPredecessors(): Promise<void> {
    for (const id of await endPredecessors(this.control, this.lease.id)) {
      this.logger.log(`server ${id} was killed on this machine: its conversations are free`);
      this.hints.tell(SERVER_LEFT, id);
    }
  }

  private async closeAll(): Promise<void> {
    clearInterval(this.cleaner);
    await this.cleaning;
    await this.bash?.close();
    await this.logs.close();
    await this.catalogue.close();
    await this.leases.close();
    await this.lease.stop();
    await this.lease.leave().catch((error: unknown) => {
      this.logger.warn(`other servers take over only when the lease is over: ${errorMessage(error)}`);
    });
    this.hints.tell(SERVER_LEFT, this.lease.id);
    await this.hints.close();
    await this.control.close();
    await this.database.close();
  }

  private async cleanUp(): Promise<void> {
    try {
      await forgetServers(this.database);
      await this.catalogue.removeLeftovers();
    } catch (error) {
      this.logger.warn(`the database was not cleaned up: ${errorMessage(error)}`);
    }
  }
}
