import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { FailedKeys } from './keys/failed-keys.js';
import { Authenticator } from './keys/authenticator.js';
import { SessionKeys } from './keys/key-set.js';
import { SessionKeyGuard } from './keys/session-key.guard.js';
import { ScopeGuard } from './principals/scope.guard.js';

/** The counter of wrong keys, for everything that checks keys. */
@Global()
@Module({ providers: [FailedKeys], exports: [FailedKeys] })
export class FailedKeysModule {}

/** Guards every route that is not marked `@OpenRoute()`; sockets ask the same `Authenticator`. */
@Global()
@Module({
  imports: [FailedKeysModule],
  // In this order: who it is, then whether they may.
  providers: [
    Authenticator,
    SessionKeys,
    { provide: APP_GUARD, useClass: SessionKeyGuard },
    { provide: APP_GUARD, useClass: ScopeGuard },
  ],
  exports: [Authenticator],
})
export class AuthModule {}
