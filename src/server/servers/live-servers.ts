import os from 'node:os';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { ConversationsService, RunSlots } from '../../conversations/index.js';
import { ServerDirectory, type ServerRecord } from '../../storage/index.js';
import { SERVER_VERSION } from '../version.js';

/** How long an answer is used again (ms): `/server_info` needs no key. */
const KEEP_MS = 1_000;
/** Servers that are shown, at most: the oldest. */
const MAX_SERVERS = 100;

/** The live servers that share the storage of this one; only itself without a database. */
@Injectable()
export class LiveServers {
  private readonly startedAt = new Date().toISOString();
  private current: { at: number; servers: Promise<ServerRecord[]> } | undefined;

  constructor(
    private readonly directory: ServerDirectory,
    private readonly conversations: ConversationsService,
    private readonly slots: RunSlots,
    private readonly config: AppConfig,
  ) {}

  /** The id of this server; it differs for each start of the process. */
  get selfId(): string {
    return this.directory.selfId;
  }

  /** Whether other servers may share the storage and are listed. */
  get isCluster(): boolean {
    return this.config.database_url !== null;
  }

  /** At most a second old. @throws StorageFailedError if the database is away */
  list(): Promise<ServerRecord[]> {
    if (!this.isCluster) return Promise.resolve([this.self()]);
    const now = performance.now();
    if (!this.current || now - this.current.at > KEEP_MS) {
      const servers = this.directory.list().then((all) => all.slice(0, MAX_SERVERS));
      this.current = { at: now, servers };
    }
    return this.current.servers;
  }

  private self(): ServerRecord {
    const { running, limit } = this.slots;
    return {
      id: this.selfId,
      isSelf: true,
      url: this.config.server_url,
      proof: null,
      host: os.hostname(),
      version: SERVER_VERSION,
      startedAt: this.startedAt,
      leaseUntil: null,
      leaseLeftMs: null,
      conversations: this.conversations.openCount,
      running,
      maxRunning: limit,
    };
  }
}
