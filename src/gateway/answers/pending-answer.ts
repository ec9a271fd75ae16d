import { type Conversation, Narration, type NewMessage, type RunRequest } from '../../conversations/index.js';
import { textContent, type EventBus } from '../../events/index.js';
import { answerIn } from '../response-format.js';

/** Tokens used by all models of a conversation since its start. */
export interface TokenTotals {
  prompt: number;
  completion: number;
  cached: number;
  reasoning: number;
}

/** The result of a run that answers a request. */
export interface Outcome {
  /** The status of the conversation. */
  status: string;
  /** The final response, JSON if a schema was given; empty if there is none. */
  text: string;
  /** The agent has finished without the JSON that was asked for. */
  isIncomplete: boolean;
  usage: TokenTotals;
  /** The error of the run, if it recorded one. */
  failure: string | undefined;
}

/** Sent to an agent that has answered without the JSON that was asked for. */
const REMINDER: NewMessage = {
  role: 'user',
  content: [
    textContent(
      'The program that asked you reads JSON only. Call the tool `finish`, with your answer in the form that its ' +
        'parameters describe.',
    ),
  ],
};
const MAX_REMINDERS = 2;

/** The pending answer to one request. */
export class PendingAnswer {
  readonly narration = new Narration();
  private readonly unsubscribe: () => void;
  private conversation: Conversation | undefined;
  private isAbandoned = false;

  constructor(
    readonly conversationId: string,
    bus: EventBus,
    /** The answer has to be JSON that matches a schema. */
    readonly isStructured: boolean,
    /** Called when the conversation can accept the next request. */
    private readonly onClosed: () => void,
  ) {
    this.unsubscribe = bus.subscribe(conversationId, {
      onEvent: ({ event }) => this.narration.onEvent(event),
      onItem: (item) => this.narration.onItem(item),
    });
  }

  /**
   * Resolves when the run has ended, also if the client has disconnected.
   * @param request what happens if a further run reaches a limit
   */
  async follow(conversation: Conversation, request: RunRequest): Promise<Outcome> {
    this.conversation = conversation;
    if (this.isAbandoned) await this.interrupt();
    try {
      for (let reminders = 0; ; reminders += 1) {
        await conversation.runsEnded();
        // Afterwards the narration has received all events that the state reflects.
        await conversation.settled();
        const outcome = this.outcome(conversation);
        if (!outcome.isIncomplete || this.isAbandoned || reminders === MAX_REMINDERS) return outcome;
        await conversation.sendMessage(REMINDER, true, request);
      }
    } finally {
      this.close();
    }
  }

  /** Interrupts the run, or cancels the one that waits: nobody waits for the answer any more. */
  async interrupt(): Promise<void> {
    this.isAbandoned = true;
    const { conversation } = this;
    if (!conversation) return;
    const isRunning = conversation.isRunning && conversation.state.execution_status !== 'finished';
    if (!isRunning && !conversation.starter.isWaiting) return;
    await conversation.interrupt();
    await conversation.publishChange();
  }

  /** Stops listening to the conversation. */
  close(): void {
    this.unsubscribe();
    this.narration.close();
    this.onClosed();
  }

  private outcome({ state }: Conversation): Outcome {
    const { answer, failure, structured } = this.narration;
    const { execution_status: status } = state;
    const text = this.isStructured ? answerIn(structured) : answer;
    const isIncomplete = status === 'finished' && text === undefined;
    const usage = { prompt: 0, completion: 0, cached: 0, reasoning: 0 };
    for (const { accumulated_token_usage: total } of Object.values(state.stats.usage_to_metrics)) {
      usage.prompt += total.prompt_tokens;
      usage.completion += total.completion_tokens;
      usage.cached += total.cache_read_tokens;
      usage.reasoning += total.reasoning_tokens;
    }
    return { status, text: text ?? '', isIncomplete, usage, failure };
  }
}
