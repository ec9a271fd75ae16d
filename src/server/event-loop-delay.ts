import type { Server } from 'node:http';
import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost, type AbstractHttpAdapter } from '@nestjs/core';
import { EventBus } from '../events/index.js';

/** How often it is looked (ms). A turn that blocks is seen as up to so much shorter than it was. */
const INTERVAL_MS = 20;
/** A window is this long, in time that was watched (ms). */
const WINDOW_MS = 60_000;
/** Without a request, an event or work for so long it is not watched any more (ms). */
const IDLE_MS = 10_000;
/** A loop that is busy for a larger part of its time has work, even where nobody hears of it. */
const BUSY_UTILIZATION = 0.05;
const NANOSECONDS = 1e6;

/** How late the event loop was, in milliseconds. */
export interface LoopDelay {
  p50: number;
  p99: number;
  max: number;
}

/**
 * How late the event loop is: how long whatever happens, a request too, waits for its turn. It is watched
 * only while there is work, so that an idle server has no timer for it: fifty looks a second cost 0.3 to 0.7
 * % of a processor.
 */
@Injectable()
export class EventLoopDelay implements OnModuleInit, OnModuleDestroy {
  private current = createHistogram();
  private previous: RecordableHistogram | undefined;
  /** Looks in the current window. */
  private samples = 0;
  private timer: NodeJS.Timeout | undefined;
  private dueAt = 0;
  private touchedAt = 0;
  private usage = performance.eventLoopUtilization();
  private unsubscribe: (() => void) | undefined;

  constructor(
    private readonly bus: EventBus,
    private readonly adapter: HttpAdapterHost<AbstractHttpAdapter<Server>>,
  ) {}

  onModuleInit(): void {
    this.unsubscribe = this.bus.subscribe('*', { onEvent: this.touch, onItem: this.touch });
    this.httpServer.on('request', this.touch);
    this.touch();
  }

  onModuleDestroy(): void {
    this.unsubscribe?.();
    this.httpServer.off('request', this.touch);
    clearInterval(this.timer);
  }

  /** Of the last one to two minutes in which there was work; null as long as nothing is known. */
  recent(): LoopDelay | null {
    const both = createHistogram();
    if (this.previous) both.add(this.previous);
    both.add(this.current);
    if (both.count === 0) return null;
    const milliseconds = (nanoseconds: number): number => Math.round(nanoseconds / 1e4) / 100;
    return {
      p50: milliseconds(both.percentile(50)),
      p99: milliseconds(both.percentile(99)),
      max: milliseconds(both.max),
    };
  }

  private get httpServer(): Server {
    return this.adapter.httpAdapter.getHttpServer();
  }

  private readonly touch = (): void => {
    this.touchedAt = performance.now();
    if (this.timer) return;
    this.dueAt = this.touchedAt + INTERVAL_MS;
    this.usage = performance.eventLoopUtilization();
    this.timer = setInterval(() => this.sample(), INTERVAL_MS).unref();
  };

  private sample(): void {
    const now = performance.now();
    // A histogram of Node takes whole numbers from 1.
    this.current.record(Math.max(1, Math.round((now - this.dueAt) * NANOSECONDS)));
    this.dueAt = now + INTERVAL_MS;
    this.samples += 1;
    if (this.samples * INTERVAL_MS >= WINDOW_MS) this.beginWindow();
    if (now - this.touchedAt > IDLE_MS) this.stopUnlessBusy(now);
  }

  private beginWindow(): void {
    this.previous = this.current;
    this.current = createHistogram();
    this.samples = 0;
  }

  private stopUnlessBusy(now: number): void {
    const { utilization } = performance.eventLoopUtilization(this.usage);
    this.usage = performance.eventLoopUtilization();
    this.touchedAt = now;
    if (utilization > BUSY_UTILIZATION) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
