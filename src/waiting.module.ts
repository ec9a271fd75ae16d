import { Module, type DynamicModule } from '@nestjs/common';
import { FailedKeysModule } from './auth/index.js';
import { AppConfig, ConfigModule } from './config/index.js';
import { RunQueue, RunSlots } from './conversations/index.js';
import { EventBusModule } from './events/event-bus.module.js';
import { RequestBodiesModule } from './http/index.js';
import { InitModule, type DeferredInit, type ServerSetup } from './init/index.js';
import { Activity, EventLoopDelay, Readiness, ServerController } from './server/index.js';
import { ToolsModule } from './tools/index.js';

/**
 * The root module of a server that waits for `POST /api/init`: server information and that route. Nothing
 * that depends on the final configuration exists yet.
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
      providers: [
        Activity,
        EventLoopDelay,
        Readiness,
        // What the server information tells of them: nothing runs yet, and there are no keys with limits.
        {
          provide: RunSlots,
          inject: [AppConfig],
          useFactory: ({ max_concurrent_runs: limit }: AppConfig) => ({ running: 0, limit, refused: 0 }),
        },
        { provide: RunQueue, useValue: { size: 0, limit: 0, head: () => [] } },
      ],
    };
  }
}
