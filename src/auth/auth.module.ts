import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { SessionKeyGuard } from './session-key.guard.js';
import { SessionKeys } from './session-keys.js';

/** Guards every route that is not marked `@OpenRoute()`; sockets ask the same `SessionKeys`. */
@Global()
@Module({
  providers: [SessionKeys, { provide: APP_GUARD, useClass: SessionKeyGuard }],
  exports: [SessionKeys],
})
export class AuthModule {}
