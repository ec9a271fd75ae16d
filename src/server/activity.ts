import {
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { EventBus } from '../events/index.js';

/** Tracks how long the server has been up and how long it has been idle. */
@Injectable()
export class Activity implements OnModuleInit, OnModuleDestroy {
  private readonly startedAt = performance.now();
  private lastAt = this.startedAt;
  private unsubscribe: (() => void) | undefined;

  constructor(private readonly bus: EventBus) {}

  onModuleInit(): void {
    this.unsubscribe = this.bus.subscribe('*', {
      onEvent: ({ event }) => {
        // State updates accompany other events; alone (a stored snapshot, a title) they are not activity.
        if (event.kind !== 'ConversationStateUpdateEvent') this.touch();
      },
    });
  }

  onModuleDestroy(): void {
    this.unsubscribe?.();
  }

  /** Resets the idle time. */
  touch(): void {
    this.lastAt = performance.now();
  }

  /** Whole seconds since the start. */
  get uptime(): number {
    return secondsSince(this.startedAt);
  }

  /** Whole seconds since the last activity, or since the start. */
  get idleTime(): number {
    return secondsSince(this.lastAt);
  }
}

/** Requests to these routes count as activity: they reset `idle_time`. */
@Injectable()
export class CountsAsActivity implements NestInterceptor {
  constructor(private readonly activity: Activity) {}

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.activity.touch();
    return next.handle();
  }
}

function secondsSince(moment: number): number {
  return Math.floor((performance.now() - moment) / 1000);
}
