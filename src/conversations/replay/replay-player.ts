import { isDeepStrictEqual } from 'node:util';
import { isSummaryRequest } from '../../agent/index.js';
import type { Action, Observation } from '../../events/index.js';
import {
  Llm,
  LlmError,
  modelFeatures,
  type LlmConfig,
  type LlmRequest,
  type LlmResponse,
} from '../../llm/index.js';
import { ToolExecutionError } from '../../tools/index.js';
import { responseOf, type RecordedAnswer, type RecordedCall, type Recording } from './recording.js';
import type { FolderMapping } from './replay-texts.js';

/** Sends messages of people. */
type Deliver = (from: number, to: number) => Promise<void>;

/**
 * Plays a recording: a model that gives the recorded answers in turn, and results of the tools that are not
 * run. It knows how far the replay has come.
 */
export class ReplayPlayer extends Llm {
  /** The answers that were given. */
  answered = 0;
  /** The messages of people that were sent. */
  sent = 0;
  /** The model was asked once more after its last recorded answer. */
  isAskedBeyondEnd = false;
  /** A message came during the step of the last answer, so that the agent answers it. */
  isMessageLate = false;
  /** The summaries that were given. */
  condensed = 0;
  /** Calls of the last answer without a result. */
  private open: RecordedCall[] = [];
  private deliver: Deliver = () => Promise.resolve();

  constructor(
    readonly recording: Recording,
    /** From the recorded workspace to that of the replay. */
    private readonly toScratch: FolderMapping,
  ) {
    super();
  }

  onMessagesDue(deliver: Deliver): void {
    this.deliver = deliver;
  }

  /** The answer that comes next. */
  get next(): RecordedAnswer | undefined {
    return this.recording.answers[this.answered];
  }

  /** How many messages of people come before the next answer, or at all. */
  get messagesDue(): number {
    return this.next?.messagesBefore ?? this.recording.messages.length;
  }

  override async complete({ messages, signal }: LlmRequest): Promise<LlmResponse> {
    signal.throwIfAborted();
    if (isSummaryRequest(messages)) return this.summary();
    const answer = this.next;
    if (!answer) {
      this.isAskedBeyondEnd = true;
      throw new LlmError('LLMNoResponseError', 'The recorded conversation has no further answer.');
    }
    const { messagesDue } = this;
    this.isMessageLate = this.sent < messagesDue;
    if (this.isMessageLate) {
      const from = this.sent;
      this.sent = messagesDue;
      await this.deliver(from, messagesDue);
    }
    this.answered += 1;
    this.open = [...answer.calls];
    const response = responseOf(answer);
    return { ...response, message: this.toScratch.applyTo(response.message) };
  }

  /** The recorded result of a call of the last answer. @throws ToolExecutionError if that was an error */
  resultOf(toolName: string, action: Action): Observation {
    const of = this.open.filter((call) => call.action.tool_name === toolName && call.action.action);
    const same = of.find((call) => isDeepStrictEqual(this.toScratch.applyTo(call.action.action), action));
    const call = same ?? of[0];
    if (call) this.open.splice(this.open.indexOf(call), 1);
    const result = call?.result;
    switch (result?.kind) {
      case 'ObservationEvent':
        return this.toScratch.applyTo(result.observation);
      case 'AgentErrorEvent':
        throw new ToolExecutionError(result.error);
      case 'UserRejectObservation':
        throw new ToolExecutionError(`rejected: ${result.rejection_reason}`);
      default:
        throw new ToolExecutionError('The recorded conversation has no result of this call.');
    }
  }

  override supportsVision(config: LlmConfig): boolean {
    return modelFeatures(config).vision;
  }

  override listen(): () => void {
    return () => undefined;
  }

  override listenToFailures(): () => void {
    return () => undefined;
  }

  override setModelLoader(): void {
    // No other model is called.
  }

  override setModelGuard(): void {
    // Nothing is spent.
  }

  override setTokenProvider(): void {
    // Nobody has to sign in.
  }

  private summary(): LlmResponse {
    const condensation = this.recording.condensations[this.condensed];
    this.condensed += 1;
    const text = condensation?.summary ?? 'The recorded conversation has no further summary.';
    const id = `summary-${this.condensed}`;
    const empty = responseOf({ id, calls: [] });
    const content = [{ cache_prompt: false, type: 'text' as const, text }];
    return { ...empty, message: { ...empty.message, content } };
  }
}
