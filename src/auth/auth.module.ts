import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { FailedKeys } from './failed-keys.js';
import { SessionKeyGuard } from './session-key.guard.js';
import { SessionKeys } from './session-keys.js';

/** The count of wrong keys, for all who check one. */
@Global()
@Module({ providers: [FailedKeys], exports: [FailedKeys] })
export class FailedKeysModule {}

/** Guards every route that is not marked `@OpenRoute()`; sockets ask the same `SessionKeys`. */
@Global()
@Module({
  imports: [FailedKeysModule],
  providers: [SessionKeys, { provide: APP_GUARD, useClass: SessionKeyGuard }],
  exports: [SessionKeys],
})
export class AuthModule {}
