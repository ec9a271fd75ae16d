import { Module } from '@nestjs/common';
import { AiSdkLlm } from './ai-sdk-llm.js';
import { Llm } from './llm.js';

/** Calls to models. Nothing of a provider is loaded before its first call. */
@Module({
  providers: [{ provide: Llm, useClass: AiSdkLlm }],
  exports: [Llm],
})
export class LlmModule {}
