import { Module } from '@nestjs/common';
import { AiSdkLlm } from './ai-sdk-llm.js';
import { Llm } from './llm.js';

/** Provides `Llm`. Clients of providers are loaded with the first call. */
@Module({
  providers: [{ provide: Llm, useClass: AiSdkLlm }],
  exports: [Llm],
})
export class LlmModule {}
