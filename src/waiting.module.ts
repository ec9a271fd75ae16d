import { Module, type DynamicModule } from '@nestjs/common';
import { FailedKeysModule } from './auth/index.js';
import { ConfigModule, type AppConfig } from './config/index.js';
import { RunSlots } from './conversations/runs/run-slots.js';
import { EventBusModule } from './events/event-bus.module.js';
import { RequestBodiesModule } from './http/body/request-bodies.js';
import { InitModule, type DeferredInit, type ServerSetup } from './init/index.js';
import { Activity } from './server/activity.js';
import { EventLoopDelay } from './server/event-loop-delay.js';
import { Readiness } from './server/readiness.js';
import { ServerController } from './server/server.controller.js';
import { ToolsModule } from './tools/index.js';

/**
 * The wiring of a server that waits to be set up: who it is, and the route that sets it up. Nothing that
 * depends on the configuration exists before that is final.
 */
@Module({})
export class WaitingModule {
  static forRoot(config: AppConfig, init: DeferredInit, setup: ServerSetup): DynamicModule {
    return {
      module: WaitingModule,
      imports: [
        ConfigModule.forRoot(config),
        FailedKeysModule,
        RequestBodiesModule.forRoot(config.max_body_bytes_in_flight),
        EventBusModule,
        ToolsModule,
        InitModule.forRoot(init, setup),
      ],
      controllers: [ServerController],
      providers: [Activity, EventLoopDelay, Readiness, RunSlots],
    };
  }
}
