import { performance } from 'node:perf_hooks';
import { Injectable } from '@nestjs/common';
import { KnownSecrets, secretTexts } from '../../crypto/index.js';
import { errorName } from '../../errors/index.js';
import { readChecked } from '../../http/index.js';
import { textContent } from '../../events/index.js';
import { KeyLimiter } from '../../limits/index.js';
import { Llm, LlmError, providerOf } from '../../llm/index.js';
import { NO_TOKENS, UsageRecorder } from '../../usage/index.js';
import type { JsonObject } from '../../json/index.js';
import { llm, LLMDto } from '../dto/llm.dto.js';
import { toLlmConfig } from '../dto/to-llm-config.js';

/** Time limit of the call in seconds. */
const MAX_TIMEOUT_S = 15;
/** What the ledger of usage says that the call was for. */
const USAGE_ID = 'profile-check';
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
    private readonly usage: UsageRecorder,
    private readonly limiter: KeyLimiter,
  ) {}

  /**
   * The call counts in the ledger of usage.
   * @param fields a valid LLM, secrets in clear
   * @param keyId the key that pays for it; null: the administrator's
   * @throws LimitReachedError if it may cost nothing more at the moment
   */
  async check(fields: JsonObject, keyId: string | null): Promise<ProfileCheck> {
    await this.limiter.settleSpent(keyId);
    this.limiter.assertSolvent(keyId);
    this.known.add(secretTexts(fields));
    const dto = readChecked(llm(), fields, ['body', 'llm']);
    if (!(dto instanceof LLMDto)) throw new TypeError('not an LLM');
    const config = toLlmConfig(dto);
    const timeout = Math.min(config.timeout ?? MAX_TIMEOUT_S, MAX_TIMEOUT_S);
    const { model } = config;
    const call = { key_id: keyId, model, provider: providerOf(model), usage_id: USAGE_ID };
    const started = performance.now();
    const latency = (): number => (performance.now() - started) / 1000;
    try {
      const { usage, cost } = await this.models.complete({
        config: { ...config, num_retries: 0, stream: false, timeout, max_output_tokens: MAX_OUTPUT_TOKENS },
        messages: [
          { role: 'system', content: [textContent('Answer with one word.')], thinking_blocks: [] },
          { role: 'user', content: [textContent('Say ok.')], thinking_blocks: [] },
        ],
        tools: [],
        conversationId: 'profile-check',
        signal: AbortSignal.timeout((timeout + 1) * 1000),
      });
      const { context_window: _, ...tokens } = usage;
      this.usage.addOutside({ ...call, ...tokens, cost, latency: latency(), error: null });
      return { valid: true, error: null };
    } catch (error) {
      const code = error instanceof LlmError ? error.code : errorName(error);
      this.usage.addOutside({ ...call, ...NO_TOKENS, cost: null, latency: latency(), error: code });
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
