import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { ConversationsService } from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import { ReservedConversations } from '../../storage/index.js';
import { ContainerEngine } from '../engine/container-engine.js';
import { EngineWatch } from '../engine/engine-watch.js';
import { ContainerRecords } from '../records/container-records.js';
import { ContainerArchive } from '../disk/container-archive.js';
import { ContainerDeletion } from './container-deletion.js';
import { ConversationContainers } from './conversation-containers.js';
import { LogFollower } from './log-follower.js';

/** Between two looks at the engine (ms): containers that ended, and those without a conversation. */
const LOOK_MS = 5_000;
const MAX_IDLE_LOOK_MS = 60_000;
/** Between two looks at what may be archived (ms). */
const ARCHIVE_MS = 300_000;

/**
 * Keeps containers and conversations together over time: reads the records before anything is opened, adopts
 * and cleans up after the start and again and again, and stops what is idle.
 */
@Injectable()
export class FleetUpkeep implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Containers');
  private readonly timers: NodeJS.Timeout[] = [];
  private looking: Promise<void> | undefined;
  private stopping: Promise<void> | undefined;
  private tidying: Promise<void> | undefined;
  private isClosed = false;

  constructor(
    private readonly containers: ConversationContainers,
    private readonly records: ContainerRecords,
    private readonly deletion: ContainerDeletion,
    private readonly follower: LogFollower,
    private readonly engine: ContainerEngine,
    private readonly watch: EngineWatch,
    private readonly reserved: ReservedConversations,
    private readonly conversations: ConversationsService,
    private readonly archive: ContainerArchive,
    private readonly config: AppConfig,
  ) {}

  /** Before conversations that were running are recovered: those in containers still run. */
  async onModuleInit(): Promise<void> {
    if (!this.config.conversation_runtime_selectable) this.reserved.reserveAll();
    await this.records.load();
  }

  /** In the background: the port is opened meanwhile. */
  onApplicationBootstrap(): void {
    this.follower.start();
    void this.look().then(() => this.tidy(true));
    this.timers.push(setInterval(() => void this.tidy(false), ARCHIVE_MS).unref());
    this.timers.push(setInterval(() => void this.look(), LOOK_MS).unref());
    const { conversation_idle_ttl_seconds: ttl } = this.config;
    if (ttl === null) return;
    const interval = Math.min(MAX_IDLE_LOOK_MS, Math.max(1_000, ttl * 500));
    this.timers.push(setInterval(() => void this.stopIdle(ttl * 1000), interval).unref());
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    for (const timer of this.timers) clearInterval(timer);
    this.containers.close();
    await Promise.all([this.looking, this.stopping, this.tidying]);
    await this.follower.close();
  }

  /** Looks at the engine now. */
  look(): Promise<void> {
    this.looking ??= this.lookOnce().finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async lookOnce(): Promise<void> {
    try {
      await this.containers.reconcile();
      this.watch.answered(this.engine.address.shown);
      await this.finishCreations();
      for (const id of this.containers.running) {
        if (this.isClosed) return;
        // A creation follows its log from the first event.
        if (this.records.get(id)?.isCreated) await this.follower.begin(id, false);
      }
    } catch (error) {
      if (!this.isClosed) this.watch.failed(error);
    }
  }

  /**
   * Ends creations that a crash interrupted: the conversation exists, or nothing of it stays. Of those that
   * have failed while the engine was away nothing stays.
   */
  private async finishCreations(): Promise<void> {
    for (const { conversationId: id, isCreated } of this.records.all) {
      if (isCreated || this.records.isNew(id)) continue;
      try {
        if (!this.records.hasFailed(id) && (await this.conversations.exists(id))) {
          await this.follower.begin(id, true);
          await this.records.change(id, { isCreated: true });
          continue;
        }
        await this.deletion.removeFailed(id);
        this.logger.warn(`conversation ${id}: removed what an interrupted creation has left`);
      } catch (error) {
        this.logger.error(`conversation ${id}: an interrupted creation: ${errorMessage(error)}`);
      }
    }
  }

  /** Makes room: caches after the start, homes and workspaces of conversations that nobody uses any more. */
  private tidy(isFirst: boolean): Promise<void> {
    this.tidying ??= this.tidyOnce(isFirst)
      .catch((error: unknown) => this.watch.failed(error))
      .finally(() => (this.tidying = undefined));
    return this.tidying;
  }

  private async tidyOnce(isFirst: boolean): Promise<void> {
    if (this.isClosed || this.watch.reason !== undefined) return;
    if (isFirst) {
      await this.containers.emptyTrash();
      await this.containers.takeCaches();
    }
    await this.archive.archiveOld();
  }

  private stopIdle(ttlMs: number): Promise<void> {
    this.stopping ??= this.containers
      .stopIdle(ttlMs, (id) => this.isBusy(id))
      .catch((error: unknown) => this.watch.failed(error))
      .finally(() => (this.stopping = undefined));
    return this.stopping;
  }

  private async isBusy(id: string): Promise<boolean> {
    const info = await this.conversations
      .describe(id, { includeSkills: false, runtimeInfo: false })
      .catch(() => undefined);
    return info?.['execution_status'] === 'running';
  }
}
