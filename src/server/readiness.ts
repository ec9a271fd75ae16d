import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';

/** Whether the server accepts work: from the end of its start to the beginning of its shutdown. */
@Injectable()
export class Readiness implements OnApplicationBootstrap, OnModuleDestroy {
  private ready = false;

  onApplicationBootstrap(): void {
    this.ready = true;
  }

  onModuleDestroy(): void {
    this.ready = false;
  }

  get isReady(): boolean {
    return this.ready;
  }
}
