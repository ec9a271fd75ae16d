import { Injectable, Optional, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { ConversationRuntime } from './conversation-runtime.js';
import { StorageStatus } from '../storage/index.js';

/**
 * Whether the server accepts work: from the end of its start to the beginning of its shutdown, and while it
 * reaches its storage.
 */
@Injectable()
export class Readiness implements OnApplicationBootstrap, OnModuleDestroy {
  private isStarted = false;

  constructor(
    /** None while the server waits for its configuration. */
    @Optional() private readonly storage?: StorageStatus,
    @Optional() private readonly runtime?: ConversationRuntime,
    @Optional() private readonly config?: AppConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.isStarted = true;
  }

  onModuleDestroy(): void {
    this.isStarted = false;
  }

  get state(): 'ready' | 'initializing' | 'unavailable' {
    if (!this.isStarted) return 'initializing';
    return this.problem === undefined ? 'ready' : 'unavailable';
  }

  /** Why the server accepts no work, if it is neither starting nor ending. */
  get problem(): string | undefined {
    if (this.storage?.isAvailable === false) return 'The server cannot reach its database';
    if (!this.runtime || this.config?.conversation_runtime_selectable) return undefined;
    return this.runtime.info().reason ?? undefined;
  }
}
