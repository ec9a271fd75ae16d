import { performance } from 'node:perf_hooks';
import { Injectable, Logger } from '@nestjs/common';
import { errorName } from '../errors/index.js';
import type { Message } from '../events/index.js';
import { meters } from '../meters/index.js';
import { traced, type Span } from '../telemetry/index.js';
import { AttemptClock } from './retry/attempt-clock.js';
import { withAttempts } from './retry/attempts.js';
import { TextLimit } from './transport/answer-limits.js';
import { chatSpan, recordAnswer, recordRetry } from './chat-span.js';
import { callConfig } from './request/call-config.js';
import { CompletionLogs, type CompletionListener } from './completion-log.js';
import { FailedCalls, type FailureListener } from './failed-calls.js';
import { FallbackModels, type ModelLoader } from './retry/fallback-models.js';
import { withInlineImages, withoutImages } from './messages/images.js';
import type { LlmConfig } from './request/llm-config.js';
import { LlmError } from './errors/llm-error.js';
import { Llm, type ModelGuard, type SubscriptionToken } from './llm.js';
import type { LlmRequest, LlmResponse, RetryInfo } from './request/llm-request.js';
import { priceAnswer } from './catalogue/model-catalogue.js';
import { modelFeatures } from './catalogue/model-features.js';
import type { ModelFeatures } from './catalogue/feature-types.js';
import { ANY_CALL_ID, withCallIds } from './protocols/call-ids.js';
import { classifyFailure } from './errors/provider-failure.js';
import { PriceWarning } from './catalogue/price-warning.js';
import { promptedCall } from './prompted-tools/prompted-call.js';
import { routeModel, type Route } from './providers/route-model.js';
import type { ProviderAnswer } from './providers/provider.js';
import { RejectedReasoning } from './retry/rejected-reasoning.js';
import { assertParamsSupported, assertContextWindow } from './request/config-checks.js';

/**
 * Calls models through the AI SDK's providers, one step per call. Retries, timeouts and error texts are ours.
 */
@Injectable()
export class AiSdkLlm extends Llm {
  private readonly logger = new Logger('Llm');
  private readonly reasoning = new RejectedReasoning();
  private readonly logs = new CompletionLogs();
  private readonly failures = new FailedCalls();
  private readonly fallbacks = new FallbackModels();
  private tokenProvider: SubscriptionToken = () => Promise.resolve(undefined);
  private guard: ModelGuard = () => Promise.resolve();
  private readonly prices = new PriceWarning(this.logger);

  /** @throws LlmError, or the reason of `request.signal` as soon as that is aborted */
  override async complete(asked: LlmRequest): Promise<LlmResponse> {
    await this.guard(asked.config, asked.conversationId);
    return this.fallbacks.callLogged(asked, (request) =>
      traced(
        `chat ${request.config.model}`,
        () => chatSpan(request),
        (span) => this.completeWith(request, span),
      ),
    );
  }

  private async completeWith(asked: LlmRequest, span: Span): Promise<LlmResponse> {
    const config = callConfig(asked.config);
    const features = modelFeatures(config);
    const request = { ...asked, config, messages: await adaptImages(asked, features) };
    if (config.native_tool_calling) return this.ask(request, span);
    const prompted = promptedCall(request, features.stopWords);
    return prompted.read(await this.ask(prompted.request, span));
  }

  override listen(conversationId: string, listener: CompletionListener): () => void {
    return this.logs.listen(conversationId, listener);
  }

  override listenToFailures(conversationId: string, listener: FailureListener): () => void {
    return this.failures.listen(conversationId, listener);
  }

  override setModelLoader(load: ModelLoader): void {
    this.fallbacks.load = load;
  }

  override setModelGuard(guard: ModelGuard): void {
    this.guard = guard;
  }

  override setTokenProvider(token: SubscriptionToken): void {
    this.tokenProvider = token;
  }

  override supportsVision(config: LlmConfig): boolean {
    return modelFeatures(config).vision;
  }

  private ask(request: LlmRequest, span: Span): Promise<LlmResponse> {
    const call = () => this.callWithRetries(request, span);
    return this.logs.record(request, () => this.failures.watch(request, call));
  }

  private async callWithRetries(request: LlmRequest, span: Span): Promise<LlmResponse> {
    const { config, signal } = request;
    const route = routeModel(config.model);
    assertContextWindow(config);
    assertParamsSupported(config, modelFeatures(config), route.prefix);
    const { answer, latency } = await withAttempts({
      policy: config,
      signal,
      run: (attempt) => this.attempt(request, route, attempt),
      classify: (error) => classifyFailure(error, route.provider.errorFamily, config),
      onRetry: (retry) => {
        this.logger.warn(retryLine(request, retry));
        recordRetry(span, retry);
        request.onRetry?.(retry);
      },
    });
    const { cost, contextWindow } = await priceAnswer(config, answer.usage, answer.headers, new Date());
    this.prices.check(config, request.conversationId, cost);
    const response = {
      id: answer.id,
      message: answer.message,
      usage: { ...answer.usage, context_window: contextWindow },
      cost,
      latency,
      finishReason: answer.finishReason,
    };
    recordAnswer(span, response);
    return response;
  }

  private async attempt(
    request: LlmRequest,
    { provider, prefix, model }: Route,
    attempt: number,
  ): Promise<{ answer: ProviderAnswer; latency: number }> {
    const { config } = request;
    const clock = new AttemptClock(
      request.signal,
      config.timeout,
      config.stream ? config.stream_idle_timeout : null,
    );
    const bound = new TextLimit();
    const started = performance.now();
    meters.llmAttempts.add();
    try {
      const messages = withCallIds(request.messages, provider.callIds ?? ANY_CALL_ID);
      const work = this.reasoning.call(request.conversationId, messages, (sent) =>
        provider.call({
          request: { ...request, messages: sent },
          provider: prefix,
          model,
          features: modelFeatures(config),
          attempt,
          signal: clock.signal,
          // Deltas that arrive after the attempt has ended are dropped.
          onDelta: (delta) => {
            bound.add(delta.content);
            if (config.stream && !clock.signal.aborted) request.onDelta?.(delta);
          },
          subscriptionToken: () => this.tokenProvider(),
          onProgress: () => clock.touch(),
        }),
      );
      const answer = await clock.race(work);
      const latency = (performance.now() - started) / 1000;
      meters.llmAnswers.observe(latency);
      return { answer, latency };
    } catch (error) {
      if (!request.signal.aborted) meters.llmFailures.add();
      throw error;
    } finally {
      clock.close();
    }
  }
}

/** Adapts the images of the dialogue to what the model accepts. */
async function adaptImages(
  { messages, signal }: LlmRequest,
  features: ModelFeatures,
): Promise<readonly Message[]> {
  if (!features.vision) return withoutImages(messages);
  return features.inlineImages ? withInlineImages(messages, signal) : messages;
}

/** The log line of a retry. It does not contain the provider's message, which may quote the request. */
function retryLine({ config, conversationId }: LlmRequest, retry: RetryInfo): string {
  const { attempt, waitSeconds, error } = retry;
  const reason = error instanceof LlmError ? error.code : errorName(error);
  return (
    `conversation ${conversationId}: ${config.usage_id} (${config.model}) failed with ${reason}; ` +
    `attempt ${attempt} of ${config.num_retries} in ${waitSeconds} s`
  );
}
