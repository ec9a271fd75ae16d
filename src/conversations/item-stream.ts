import type { ItemStream } from '../agent/agent-session.js';
import { createEvent, serialiseEvent, type EventBus } from '../events/index.js';
import type { LlmDelta } from '../llm/llm.js';

/** Sends an answer piece by piece while the model writes it. Nothing of it is persisted. */
export class PublishedItemStream implements ItemStream {
  private attempt = 1;
  private order = 0;
  private started = false;

  constructor(
    private readonly conversationId: string,
    private readonly itemId: string,
    private readonly bus: EventBus,
    /** The seq of the last durable event. */
    private readonly anchor: () => number,
  ) {}

  delta(delta: LlmDelta): void {
    // Nobody watches: whoever comes later reads the whole answer.
    if (this.bus.subscriberCount(this.conversationId) === 0) return;
    const { kind, content } = delta;
    const text = kind === 'text' ? { content } : { reasoning_content: content };
    const event = createEvent({ source: 'agent', ...text, kind: 'StreamingDeltaEvent' });
    this.bus.publish({ conversationId: this.conversationId, event, line: serialiseEvent(event) });
    if (content === '') return;
    this.start();
    this.signal({
      type: 'delta',
      item_id: this.itemId,
      attempt: this.attempt,
      order: this.order++,
      kind,
      content,
      chunk_id: event.id,
      choice_index: 0,
    });
  }

  abort(reason: string): void {
    if (!this.started) return;
    this.signal({ type: 'item_aborted', item_id: this.itemId, attempt: this.attempt, reason });
    this.started = false;
    this.attempt += 1;
    this.order = 0;
  }

  private start(): void {
    if (this.started) return;
    this.started = true;
    this.signal({
      type: 'item_started',
      item_id: this.itemId,
      attempt: this.attempt,
      anchor_seq: this.anchor(),
    });
  }

  private signal(signal: Parameters<EventBus['publishItem']>[0]['signal']): void {
    this.bus.publishItem({ conversationId: this.conversationId, signal });
  }
}

/** For answers that come whole. */
export const SILENT_STREAM: ItemStream = {
  delta: () => undefined,
  abort: () => undefined,
};
