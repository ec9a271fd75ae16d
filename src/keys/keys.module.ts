import { Global, Module } from '@nestjs/common';
import { NamedKeys } from '../auth/index.js';
import { StorageModule } from '../storage/storage.module.js';
import { KeysController } from './api/keys.controller.js';
import { KeyRing } from './checks/key-ring.js';
import { KeyStoreModule } from './key-store.module.js';

/** The named keys: their routes, and their check for whatever asks `NamedKeys`. */
@Global()
@Module({
  imports: [KeyStoreModule, StorageModule],
  controllers: [KeysController],
  providers: [KeyRing, { provide: NamedKeys, useExisting: KeyRing }],
  exports: [NamedKeys],
})
export class KeysModule {}
