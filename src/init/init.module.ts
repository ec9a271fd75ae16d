import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { DeferredInit, ServerSetup } from './deferred-init.js';
import { InitController } from './init.controller.js';

/** The routes that set a waiting server up. On a server that did not wait they say so. */
@Module({})
export class InitModule {
  static forRoot(init?: DeferredInit, server?: ServerSetup): DynamicModule {
    const providers: Provider[] = [];
    if (init) providers.push({ provide: DeferredInit, useValue: init });
    if (server) providers.push({ provide: ServerSetup, useValue: server });
    return { module: InitModule, controllers: [InitController], providers };
  }
}
