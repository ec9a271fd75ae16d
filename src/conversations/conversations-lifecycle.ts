import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { errorStack } from '../errors/index.js';
import { Catalogue, LeaseHeldError } from '../storage/index.js';
import { ConversationRegistry } from './conversation-registry.js';

/** How long a step may take to end by itself at shutdown (ms); then it is interrupted. */
const STEP_GRACE_MS = 4_000;

/** Takes up what a crash left running, and brings everything to rest before the process ends. */
@Injectable()
export class ConversationsLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Conversations');
  private recovery: Promise<void> = Promise.resolve();
  private stopping = false;

  constructor(
    private readonly catalogue: Catalogue,
    private readonly registry: ConversationRegistry,
  ) {}

  /** In the background: the port opens without waiting for it. */
  onApplicationBootstrap(): void {
    this.recovery = this.recoverRunning().catch((error: unknown) => {
      this.logger.error('recovery failed', errorStack(error));
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await this.recovery;
    await this.registry.closeAll(STEP_GRACE_MS);
  }

  /** Opening a conversation that was running when its server died records the crash in its log. */
  private async recoverRunning(): Promise<void> {
    const running = (await this.catalogue.list()).filter((entry) => entry.execution_status === 'running');
    for (const { id } of running) {
      if (this.stopping) return;
      try {
        await this.registry.acquire(id);
        this.logger.warn(`conversation ${id} was running when its server stopped; its status is now error`);
      } catch (error) {
        if (error instanceof LeaseHeldError) continue;
        this.logger.error(`conversation ${id} cannot be recovered`, errorStack(error));
      }
    }
  }
}
