import { Global, Logger, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { Cipher } from './cipher.js';
import { StoredSecrets } from './stored-secrets.js';

/** Provides the `Cipher` of the configured keys and `StoredSecrets`, and says at start when there is none. */
@Global()
@Module({
  providers: [
    {
      provide: Cipher,
      inject: [AppConfig],
      useFactory: (config: AppConfig) => new Cipher(config.secret_key, config.previous_secret_keys),
    },
    StoredSecrets,
  ],
  exports: [Cipher, StoredSecrets],
})
export class CryptoModule implements OnApplicationBootstrap {
  constructor(private readonly cipher: Cipher) {}

  onApplicationBootstrap(): void {
    if (this.cipher.enabled) return;
    new Logger('Secrets').warn(
      '⚠️ OH_SECRET_KEY was not defined. Secrets will not be persisted between restarts.',
    );
  }
}
