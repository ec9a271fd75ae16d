import type { ItemStream } from '../../agent/index.js';
import { createEvent, serialiseEvent, type EventBus } from '../../events/index.js';
import type { LlmDelta } from '../../llm/index.js';
import type { SecretStream } from '../../tools/index.js';
import type { Journal } from '../journal/journal.js';
import type { SecretMasker } from '../secrets/secret-masker.js';
import { FinishMessage } from './finish-message.js';

type Kind = Exclude<LlmDelta['kind'], 'call'>;

/** The tool whose message is the final response. */
const FINISH = 'finish';

/** Publishes an answer while the model writes it, with secrets masked. Nothing of it is stored. */
export class PublishedItemStream implements ItemStream {
  private readonly conversationId: string;
  private attempt = 1;
  private order = 0;
  private started = false;
  private masks: Record<Kind, SecretStream>;
  private responseId: string | undefined;
  private final: { message: FinishMessage; mask: SecretStream; attempt: number };
  /** Calls that wait until all earlier events are published; undefined when they are. */
  private held: (() => void)[] | undefined = [];

  constructor(
    private readonly journal: Journal,
    private readonly itemId: string,
    private readonly bus: EventBus,
    private readonly masker: SecretMasker,
  ) {
    this.conversationId = journal.state.id;
    this.masks = { text: masker.stream(), reasoning: masker.stream() };
    this.final = { message: new FinishMessage(), mask: masker.stream(), attempt: 1 };
    // If the log accepts no more events, there is nothing to publish after them either.
    journal
      .settled()
      .then(() => this.release())
      .catch(() => undefined);
  }

  delta(delta: LlmDelta): void {
    this.afterEarlierEvents(() => this.publishDelta(delta));
  }

  end(): void {
    this.afterEarlierEvents(() => this.flush());
  }

  abort(reason: string): void {
    this.afterEarlierEvents(() => this.discard(reason));
  }

  private afterEarlierEvents(action: () => void): void {
    if (this.held) this.held.push(action);
    else action();
  }

  private release(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const action of held) action();
  }

  private publishDelta({ kind, content, responseId, tool }: LlmDelta): void {
    if (kind === 'call') {
      if (tool === FINISH) this.sendFinal(this.final.mask.write(this.final.message.add(content)));
      return;
    }
    this.responseId = responseId ?? this.responseId;
    // What the other mask holds back waits for the next delta of its own kind: a secret may continue there.
    this.send(kind, this.masks[kind].write(content));
  }

  private flush(): void {
    this.send('reasoning', this.masks.reasoning.end());
    this.send('text', this.masks.text.end());
    this.sendFinal(this.final.mask.end());
  }

  private discard(reason: string): void {
    this.masks = { text: this.masker.stream(), reasoning: this.masker.stream() };
    this.final = {
      message: new FinishMessage(),
      mask: this.masker.stream(),
      attempt: this.final.attempt + 1,
    };
    this.responseId = undefined;
    if (!this.started) return;
    this.signal({ type: 'item_aborted', item_id: this.itemId, attempt: this.attempt, reason });
    this.started = false;
    this.attempt += 1;
    this.order = 0;
  }

  private send(kind: Kind, content: string): void {
    // Without subscribers nothing is sent: later ones read the whole answer.
    if (content === '' || this.bus.subscriberCount(this.conversationId) === 0) return;
    const text = kind === 'text' ? { content } : { reasoning_content: content };
    const event = createEvent({ source: 'agent', ...text, kind: 'StreamingDeltaEvent' });
    this.bus.publish({ conversationId: this.conversationId, event, line: serialiseEvent(event) });
    this.start();
    this.signal({
      type: 'delta',
      item_id: this.itemId,
      attempt: this.attempt,
      order: this.order++,
      kind,
      content,
      chunk_id: this.responseId ?? event.id,
      choice_index: 0,
    });
  }

  /** For `/v1` only: socket clients do not know these deltas. */
  private sendFinal(content: string): void {
    if (content === '' || this.bus.subscriberCount(this.conversationId) === 0) return;
    this.signal({ type: 'final_delta', item_id: this.itemId, attempt: this.final.attempt, content });
  }

  private start(): void {
    if (this.started) return;
    this.started = true;
    this.signal({
      type: 'item_started',
      item_id: this.itemId,
      attempt: this.attempt,
      anchor_seq: this.journal.length - 1,
    });
  }

  private signal(signal: Parameters<EventBus['publishItem']>[0]['signal']): void {
    this.bus.publishItem({ conversationId: this.conversationId, signal });
  }
}

/** For answers that are not streamed. */
export const SILENT_STREAM: ItemStream = {
  delta: () => undefined,
  end: () => undefined,
  abort: () => undefined,
};
