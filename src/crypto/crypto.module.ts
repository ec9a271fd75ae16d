import { Global, Logger, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig, configSecrets } from '../config/index.js';
import { Cipher } from './cipher.js';
import { FileSecrets } from './file-secrets.js';
import { KnownSecrets } from './known-secrets.js';
import { SecretCodec } from './secret-codec.js';

/**
 * Provides the `Cipher` of the configured keys and the services that use it. Logs at start if secrets are not
 * stored, or encrypted with the session key.
 */
@Global()
@Module({
  providers: [
    {
      provide: Cipher,
      inject: [AppConfig],
      useFactory: (config: AppConfig) => new Cipher(config.secret_key, config.previous_secret_keys),
    },
    {
      provide: KnownSecrets,
      inject: [AppConfig],
      useFactory: (config: AppConfig) => new KnownSecrets(configSecrets(config)),
    },
    SecretCodec,
    FileSecrets,
  ],
  exports: [Cipher, KnownSecrets, SecretCodec, FileSecrets],
})
export class CryptoModule implements OnApplicationBootstrap {
  constructor(private readonly config: AppConfig) {}

  onApplicationBootstrap(): void {
    const logger = new Logger('Secrets');
    const { secret_key, session_api_keys } = this.config;
    if (secret_key === null) {
      logger.warn('⚠️ OH_SECRET_KEY was not defined. Secrets will not be persisted between restarts.');
    } else if (session_api_keys.includes(secret_key)) {
      logger.log(
        'OH_SECRET_KEY is not set: stored secrets are encrypted with the session key; with another one they cannot be read',
      );
    }
  }
}
