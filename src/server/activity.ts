import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { EventBus } from '../events/index.js';

/** How long the server has been up, and how long nothing has happened in any conversation. */
@Injectable()
export class Activity implements OnModuleInit, OnModuleDestroy {
  private readonly startedAt = performance.now();
  private lastAt = this.startedAt;
  private unsubscribe: (() => void) | undefined;

  constructor(private readonly bus: EventBus) {}

  onModuleInit(): void {
    this.unsubscribe = this.bus.subscribe('*', {
      onEvent: ({ event }) => {
        // State updates follow what happened; alone (a stored snapshot, a title) they are no activity.
        if (event.kind !== 'ConversationStateUpdateEvent') this.touch();
      },
    });
  }

  onModuleDestroy(): void {
    this.unsubscribe?.();
  }

  /** Something happened just now. */
  touch(): void {
    this.lastAt = performance.now();
  }

  /** Whole seconds since the start. */
  get uptime(): number {
    return secondsSince(this.startedAt);
  }

  /** Whole seconds since something happened, or since the start. */
  get idleTime(): number {
    return secondsSince(this.lastAt);
  }
}

function secondsSince(moment: number): number {
  return Math.floor((performance.now() - moment) / 1000);
}
