import { Injectable, type OnModuleInit } from '@nestjs/common';
import { RunSlots } from '../conversations/index.js';
import { ServerDirectory } from '../storage/index.js';
import { SERVER_VERSION } from './version.js';

/** Tells the other servers of the storage which version this one is, and how busy. */
@Injectable()
export class ServerReport implements OnModuleInit {
  constructor(
    private readonly servers: ServerDirectory,
    private readonly slots: RunSlots,
  ) {}

  onModuleInit(): void {
    const { slots } = this;
    this.servers.report(() => ({
      version: SERVER_VERSION,
      running: slots.running,
      maxRunning: slots.limit,
    }));
  }
}
