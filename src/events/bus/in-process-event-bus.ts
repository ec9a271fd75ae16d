import { Injectable, Logger } from '@nestjs/common';
import {
  EventBus,
  type ClosingConversation,
  type ConversationChange,
  type EventSubscriber,
  type ItemSignal,
  type OpeningConversation,
  type OutputPiece,
  type PublishedEvent,
} from './event-bus.js';
import { Topic } from './topic.js';

/**
 * The event bus of a single process. Subscribers are called directly and in order; many subscribers are
 * called in slices.
 */
@Injectable()
export class InProcessEventBus extends EventBus {
  private readonly logger = new Logger(InProcessEventBus.name);
  private readonly topics = new Map<string, Topic>();

  override subscribe(topic: string, subscriber: EventSubscriber): () => void {
    const entry = this.topics.get(topic) ?? new Topic((error) => this.report(topic, error));
    this.topics.set(topic, entry);
    entry.add(subscriber);
    return () => {
      entry.delete(subscriber);
      if (entry.size === 0 && this.topics.get(topic) === entry) this.topics.delete(topic);
    };
  }

  override publish(published: PublishedEvent): void {
    this.deliver(published.conversationId, (subscriber) => subscriber.onEvent(published));
  }

  override publishItem(item: ItemSignal): void {
    this.deliver(item.conversationId, (subscriber) => subscriber.onItem?.(item));
  }

  override publishOutput(output: OutputPiece): void {
    this.topics.get(output.conversationId)?.publish((subscriber) => subscriber.onOutput?.(output));
  }

  override publishUpdate(conversationId: string): void {
    this.deliver(conversationId, (subscriber) => subscriber.onUpdate?.(conversationId));
  }

  override opening(opening: OpeningConversation): Promise<void> {
    return this.notify(opening.conversationId, (subscriber) => subscriber.onOpening?.(opening));
  }

  override closing(closing: ClosingConversation): Promise<void> {
    return this.notify(closing.conversationId, (subscriber) => subscriber.onClosing?.(closing));
  }

  override publishChange(change: ConversationChange): Promise<void> {
    return this.notify(change.conversationId, (subscriber) => subscriber.onChange?.(change));
  }

  override subscriberCount(conversationId: string): number {
    return this.topics.get(conversationId)?.size ?? 0;
  }

  override hasOutputSubscribers(conversationId: string): boolean {
    return this.topics.get(conversationId)?.hasOutputSubscribers ?? false;
  }

  private deliver(conversationId: string, call: (subscriber: EventSubscriber) => void): void {
    this.topics.get(conversationId)?.publish(call);
    this.topics.get('*')?.publish(call);
  }

  private async notify(
    conversationId: string,
    call: (subscriber: EventSubscriber) => Promise<void> | undefined,
  ): Promise<void> {
    const handled: Promise<void>[] = [];
    const callAndTrack = (subscriber: EventSubscriber): void => {
      const handling = call(subscriber);
      if (handling) handled.push(handling.catch((error: unknown) => this.report(conversationId, error)));
    };
    this.topics.get(conversationId)?.callAll(callAndTrack);
    this.topics.get('*')?.callAll(callAndTrack);
    await Promise.all(handled);
  }

  private report(topic: string, error: unknown): void {
    this.logger.error(`subscriber of ${topic} failed`, error instanceof Error ? error.stack : String(error));
  }
}
