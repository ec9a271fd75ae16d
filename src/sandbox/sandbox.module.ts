import { Global, Module } from '@nestjs/common';
import { NoSandbox } from './no-sandbox.js';
import { Sandbox } from './sandbox.js';

/** Provides the sandbox of the server to all features. */
@Global()
@Module({
  providers: [{ provide: Sandbox, useFactory: () => new NoSandbox(null) }],
  exports: [Sandbox],
})
export class SandboxModule {}
