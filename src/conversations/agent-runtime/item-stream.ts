import type { ItemStream } from '../../agent/agent-session.js';
import { createEvent, serialiseEvent, type EventBus } from '../../events/index.js';
import type { LlmDelta } from '../../llm/llm.js';
import type { SecretStream } from '../../tools/tool-host.js';
import { FinishMessage } from './finish-message.js';

type Kind = Exclude<LlmDelta['kind'], 'call'>;

/** The tool whose message is the final response. */
const FINISH = 'finish';

/** Sends an answer piece by piece while the model writes it, without secrets. Nothing of it is persisted. */
export class PublishedItemStream implements ItemStream {
  private attempt = 1;
  private order = 0;
  private started = false;
  private masks: Record<Kind, SecretStream>;
  private responseId: string | undefined;
  private final: { message: FinishMessage; mask: SecretStream; attempt: number };
  /** What is to be said when those who watch have seen all that came before; undefined: they have. */
  private held: (() => void)[] | undefined = [];

  /** @param ready resolves when all events before are published */
  constructor(
    private readonly conversationId: string,
    private readonly itemId: string,
    private readonly bus: EventBus,
    ready: Promise<void>,
    /** The seq of the last durable event. */
    private readonly anchor: () => number,
    private readonly newMask: () => SecretStream,
  ) {
    this.masks = { text: newMask(), reasoning: newMask() };
    this.final = { message: new FinishMessage(), mask: newMask(), attempt: 1 };
    // Where the log takes nothing more there is nothing more to say.
    ready.then(() => this.release()).catch(() => undefined);
  }

  delta(delta: LlmDelta): void {
    this.inTurn(() => this.tell(delta));
  }

  end(): void {
    this.inTurn(() => this.close());
  }

  abort(reason: string): void {
    this.inTurn(() => this.void(reason));
  }

  private inTurn(action: () => void): void {
    if (this.held) this.held.push(action);
    else action();
  }

  private release(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const action of held) action();
  }

  private tell({ kind, content, responseId, tool }: LlmDelta): void {
    if (kind === 'call') {
      if (tool === FINISH) this.sendFinal(this.final.mask.write(this.final.message.add(content)));
      return;
    }
    this.responseId = responseId ?? this.responseId;
    // What is held back of the other kind waits for its own next piece: a secret may go on behind this one.
    this.send(kind, this.masks[kind].write(content));
  }

  private close(): void {
    this.send('reasoning', this.masks.reasoning.end());
    this.send('text', this.masks.text.end());
    this.sendFinal(this.final.mask.end());
  }

  private void(reason: string): void {
    this.masks = { text: this.newMask(), reasoning: this.newMask() };
    this.final = { message: new FinishMessage(), mask: this.newMask(), attempt: this.final.attempt + 1 };
    this.responseId = undefined;
    if (!this.started) return;
    this.signal({ type: 'item_aborted', item_id: this.itemId, attempt: this.attempt, reason });
    this.started = false;
    this.attempt += 1;
    this.order = 0;
  }

  private send(kind: Kind, content: string): void {
    // Nobody watches: whoever comes later reads the whole answer.
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

  /** Not for sockets, whose clients know of no such pieces. */
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
  end: () => undefined,
  abort: () => undefined,
};
