import { Injectable, Logger } from '@nestjs/common';
import { EventBus, type EventSubscriber, type ItemSignal, type PublishedEvent } from './event-bus.js';

/** The bus of a single process: direct calls, in order. */
@Injectable()
export class InProcessEventBus extends EventBus {
  private readonly logger = new Logger(InProcessEventBus.name);
  private readonly topics = new Map<string, Set<EventSubscriber>>();

  override subscribe(topic: string, subscriber: EventSubscriber): () => void {
    const subscribers = this.topics.get(topic) ?? new Set();
    this.topics.set(topic, subscribers.add(subscriber));
    return () => {
      subscribers.delete(subscriber);
      if (subscribers.size === 0 && this.topics.get(topic) === subscribers) this.topics.delete(topic);
    };
  }

  override publish(published: PublishedEvent): void {
    this.deliver(published.conversationId, (subscriber) => subscriber.onEvent(published));
  }

  override publishItem(item: ItemSignal): void {
    this.deliver(item.conversationId, (subscriber) => subscriber.onItem?.(item));
  }

  override subscriberCount(conversationId: string): number {
    return this.topics.get(conversationId)?.size ?? 0;
  }

  private deliver(conversationId: string, call: (subscriber: EventSubscriber) => void): void {
    for (const topic of [conversationId, '*']) {
      for (const subscriber of this.topics.get(topic) ?? []) {
        try {
          call(subscriber);
        } catch (error) {
          // One broken subscriber must not take the event from the others.
          this.logger.error(
            `subscriber of ${conversationId} failed`,
            error instanceof Error ? error.stack : String(error),
          );
        }
      }
    }
  }
}
