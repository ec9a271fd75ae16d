import type { Conversation } from '../conversations/conversation/conversation.js';
import type { EventBus } from '../events/index.js';
import { Narration } from './narration.js';

/** Tokens of a conversation since its beginning, all its models together. */
export interface TokenTotals {
  prompt: number;
  completion: number;
  cached: number;
  reasoning: number;
}

/** How an answer ended. */
export interface Outcome {
  /** Of the conversation. */
  status: string;
  /** The final response; empty where there is none. */
  text: string;
  usage: TokenTotals;
  /** Why the run failed, where it said so. */
  failure: string | undefined;
}

/** One question to a conversation on its way to its answer. */
export class Answering {
  readonly narration = new Narration();
  private readonly unsubscribe: () => void;
  private conversation: Conversation | undefined;
  private isGivenUp = false;

  constructor(
    readonly conversationId: string,
    bus: EventBus,
    /** Told when the conversation can be asked the next question. */
    private readonly onOver: () => void,
  ) {
    this.unsubscribe = bus.subscribe(conversationId, {
      onEvent: ({ event }) => this.narration.onEvent(event),
      onItem: (item) => this.narration.onItem(item),
    });
  }

  /** Resolves when the run that answers is over. Whoever asked need not be there any more. */
  async follow(conversation: Conversation): Promise<Outcome> {
    this.conversation = conversation;
    if (this.isGivenUp) await this.interrupt();
    try {
      await conversation.runsEnded();
      // What the state tells of is in the log, and was told to the narration, too.
      await conversation.settled();
      return this.outcome(conversation);
    } finally {
      this.end();
    }
  }

  /** Nobody waits for the answer any more: the run ends in the middle of its step. */
  async interrupt(): Promise<void> {
    this.isGivenUp = true;
    const { conversation } = this;
    if (!conversation?.isRunning || conversation.state.execution_status === 'finished') return;
    await conversation.interrupt();
    await conversation.publishChange();
  }

  /** There will be no answer. */
  end(): void {
    this.unsubscribe();
    this.narration.close();
    this.onOver();
  }

  private outcome({ state }: Conversation): Outcome {
    const { answer, failure } = this.narration;
    const usage = { prompt: 0, completion: 0, cached: 0, reasoning: 0 };
    for (const { accumulated_token_usage: total } of Object.values(state.stats.usage_to_metrics)) {
      usage.prompt += total.prompt_tokens;
      usage.completion += total.completion_tokens;
      usage.cached += total.cache_read_tokens;
      usage.reasoning += total.reasoning_tokens;
    }
    return { status: state.execution_status, text: answer, usage, failure };
  }
}
