import { Injectable } from '@nestjs/common';
import { KnownSecrets, secretTexts } from '../../crypto/index.js';
import { readChecked } from '../../http/index.js';
import { textContent } from '../../events/index.js';
import { Llm, LlmError } from '../../llm/index.js';
import type { JsonObject } from '../../json/index.js';
import { llm, LLMDto } from '../dto/llm.dto.js';
import { toLlmConfig } from '../dto/to-llm-config.js';

/** Time limit of the call in seconds. */
const MAX_TIMEOUT_S = 15;
/** Some providers reject smaller limits. */
const MAX_OUTPUT_TOKENS = 16;
/** Errors that show that the model exists. */
const REACHABLE_ERRORS = new Set<string>(['LLMRateLimitError', 'LLMTimeoutError']);
const OUT_OF_CREDIT = /insufficient_quota|current quota|credit balance|billing/i;

/** Whether an LLM can be used, or the error. */
export interface ProfileCheck {
  valid: boolean;
  error: { type: string; message: string } | null;
}

/** Checks by a small real call whether an LLM can be used. */
@Injectable()
export class ProfileChecker {
  constructor(
    private readonly models: Llm,
    private readonly known: KnownSecrets,
  ) {}

  /** @param fields a valid LLM, secrets in clear */
  async check(fields: JsonObject): Promise<ProfileCheck> {
    this.known.add(secretTexts(fields));
    const dto = readChecked(llm(), fields, ['body', 'llm']);
    if (!(dto instanceof LLMDto)) throw new TypeError('not an LLM');
    const config = toLlmConfig(dto);
    const timeout = Math.min(config.timeout ?? MAX_TIMEOUT_S, MAX_TIMEOUT_S);
    try {
      await this.models.complete({
        config: { ...config, num_retries: 0, stream: false, timeout, max_output_tokens: MAX_OUTPUT_TOKENS },
        messages: [
          { role: 'system', content: [textContent('Answer with one word.')], thinking_blocks: [] },
          { role: 'user', content: [textContent('Say ok.')], thinking_blocks: [] },
        ],
        tools: [],
        conversationId: 'profile-check',
        signal: AbortSignal.timeout((timeout + 1) * 1000),
      });
      return { valid: true, error: null };
    } catch (error) {
      return this.verdict(error);
    }
  }

  private verdict(error: unknown): ProfileCheck {
    if (!(error instanceof LlmError)) {
      // A timeout shows that the model was reached.
      if (error instanceof DOMException && error.name === 'TimeoutError') return { valid: true, error: null };
      throw error;
    }
    if (REACHABLE_ERRORS.has(error.code) && !OUT_OF_CREDIT.test(error.message))
      return { valid: true, error: null };
    return { valid: false, error: { type: error.code, message: this.known.mask(error.message) } };
  }
}
