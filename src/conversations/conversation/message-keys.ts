import { InvalidRequestError } from '../../errors/index.js';
import { createHash, randomUUID } from 'node:crypto';
import type { Journal } from '../journal/journal.js';
import type { MessageKey } from '../state/conversation-state.js';
import type { NewMessage } from '../state/start-request.js';

/** Keys per conversation. Clients retry soon, so that old keys can go. */
const MAX_KEYS = 200;

/**
 * Makes two messages with the same `Idempotency-Key` one message, also when they arrive at once or the server
 * crashes in between: the key is stored with the id of the future event before that event is appended.
 */
export class MessageKeys {
  private sending: Map<string, Promise<void>> | undefined;

  constructor(private readonly journal: Journal) {}

  /**
   * Appends a message unless that was done for this key before.
   * @param append appends the event with this id
   * @returns the entry of the key; the caller sets `answered`
   * @throws InvalidRequestError when the key came with another message before
   */
  async once(
    name: string,
    message: NewMessage,
    run: boolean,
    append: (eventId: string) => Promise<void>,
  ): Promise<MessageKey> {
    const key = digest(name);
    const request = digest(JSON.stringify([message, run]));
    const known = this.keys.find((entry) => entry.key === key);
    if (known && known.request !== request) {
      const location = ['header', 'Idempotency-Key'];
      throw new InvalidRequestError(location, 'This key came with another message before', name);
    }
    const entry = known ?? this.remember({ key, request, event_id: randomUUID(), answered: false });
    const sending = this.sending?.get(key) ?? this.send(entry, known === undefined, append);
    await sending;
    return entry;
  }

  private get keys(): MessageKey[] {
    return (this.journal.state.message_keys ??= []);
  }

  private remember(entry: MessageKey): MessageKey {
    this.keys.push(entry);
    if (this.keys.length > MAX_KEYS) this.keys.shift();
    return entry;
  }

  private send(entry: MessageKey, isNew: boolean, append: (eventId: string) => Promise<void>): Promise<void> {
    const work = async (): Promise<void> => {
      if (isNew) await this.journal.save();
      if (this.journal.log.seqOf(entry.event_id) === undefined) await append(entry.event_id);
    };
    const all = (this.sending ??= new Map());
    const sending = work().finally(() => all.delete(entry.key));
    all.set(entry.key, sending);
    return sending;
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
