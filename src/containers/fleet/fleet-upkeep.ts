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
import { ContainerDeletion } from './container-deletion.js';
import { ConversationContainers } from './conversation-containers.js';
import { LogFollower } from './log-follower.js';

/** Between two looks at the engine (ms): containers that ended, and those without a conversation. */
const LOOK_MS = 5_000;
const MAX_IDLE_LOOK_MS = 60_000;

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
    void this.look();
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
    await Promise.all([this.looking, this.stopping]);
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
        await this.follower.begin(id, false);
      }
    } catch (error) {
      if (!this.isClosed) this.watch.failed(error);
    }
  }

  /** Ends creations that a crash interrupted: the conversation exists, or nothing of it stays. */
  private async finishCreations(): Promise<void> {
    for (const record of this.records.all) {
      const { conversationId: id, isCreated } = record;
      if (isCreated || this.records.isNew(id)) continue;
      try {
        if (await this.conversations.exists(id)) {
          await this.records.save({ ...record, isCreated: true });
          await this.follower.begin(id, true);
          continue;
        }
        await this.deletion.removeFailed(id);
        this.logger.warn(`conversation ${id}: removed what an interrupted creation has left`);
      } catch (error) {
        this.logger.error(`conversation ${id}: an interrupted creation: ${errorMessage(error)}`);
      }
    }
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
