import { Global, Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { Sandbox } from './sandbox.js';
import { startSandbox } from './start-sandbox.js';

/** Provides the sandbox of the server to all features. */
@Global()
@Module({
  providers: [{ provide: Sandbox, inject: [AppConfig], useFactory: startSandbox }],
  exports: [Sandbox],
})
export class SandboxModule {}
