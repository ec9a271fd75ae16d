import { Injectable, Optional, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
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
  ) {}

  onApplicationBootstrap(): void {
    this.isStarted = true;
  }

  onModuleDestroy(): void {
    this.isStarted = false;
  }

  get state(): 'ready' | 'initializing' | 'unavailable' {
    if (!this.isStarted) return 'initializing';
    return this.storage?.isAvailable === false ? 'unavailable' : 'ready';
  }
}
