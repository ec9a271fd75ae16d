import { Module } from '@nestjs/common';
import { AiSdkLlm } from './ai-sdk-llm.js';
import { Llm } from './llm.js';

/** Takes the place of the models where a global module provides it: a replay answers from a log. */
export abstract class LlmSubstitute extends Llm {}

/** Provides `Llm`. Clients of providers are loaded with the first call. */
@Module({
  providers: [
    {
      provide: Llm,
      inject: [{ token: LlmSubstitute, optional: true }],
      useFactory: (substitute?: Llm) => substitute ?? new AiSdkLlm(),
    },
  ],
  exports: [Llm],
})
export class LlmModule {}
