import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { DeferredInit, ServerSetup } from './deferred-init.js';
import { InitController } from './init.controller.js';

/** The routes that initialize a waiting server. On other servers they answer 404. */
@Module({})
export class InitModule {
  static forRoot(init?: DeferredInit, server?: ServerSetup): DynamicModule {
    const providers: Provider[] = [];
    if (init) providers.push({ provide: DeferredInit, useValue: init });
    if (server) providers.push({ provide: ServerSetup, useValue: server });
    return { module: InitModule, controllers: [InitController], providers };
  }
}
