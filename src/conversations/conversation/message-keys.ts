import { InvalidRequestError } from '../../errors/index.js';
import { createHash, randomUUID } from 'node:crypto';
import type { Journal } from '../journal/journal.js';
import type { MessageKey } from '../state/conversation-state.js';
import type { NewMessage } from '../state/start-request.js';

/** Keys per conversation. Clients retry soon, so that old keys can go. */
const MAX_KEYS = 200;

/** Appends a message as the event with this id, once `keyStored` has resolved. */
type AppendMessage = (eventId: string, keyStored: Promise<void>) => Promise<void>;

/**
 * Makes two messages with the same `Idempotency-Key` one message, also when they arrive at once or the server
 * crashes in between: the key is stored with the id of the future event before that event is appended.
 * `append` is called at arrival, so that the message takes its place before later ones.
 */
export class MessageKeys {
  private sending: Map<string, Promise<void>> | undefined;

  constructor(private readonly journal: Journal) {}

  /**
   * Appends a message unless that was done for this key before.
   * @returns the entry of the key; the caller sets `answered`
   * @throws InvalidRequestError when the key came with another message before
   */
  async once(name: string, message: NewMessage, run: boolean, append: AppendMessage): Promise<MessageKey> {
    const key = digest(name);
    const request = digest(JSON.stringify([message, run]));
    const known = this.keys.find((entry) => entry.key === key);
    if (known && known.request !== request) {
      const location = ['header', 'Idempotency-Key'];
      throw new InvalidRequestError(location, 'This key came with another message before', name);
    }
    const entry = known ?? this.remember({ key, request, event_id: randomUUID(), answered: false });
    await (this.sending?.get(key) ?? this.send(entry, known !== undefined, append));
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

  private async send(entry: MessageKey, isKnown: boolean, append: AppendMessage): Promise<void> {
    const all = (this.sending ??= new Map<string, Promise<void>>());
    const sending = (isKnown ? this.repeat(entry, append) : this.append(entry, append)).finally(() =>
      all.delete(entry.key),
    );
    all.set(entry.key, sending);
    await sending;
  }

  private async repeat(entry: MessageKey, append: AppendMessage): Promise<void> {
    if ((await this.journal.log.seqOf(entry.event_id)) === undefined) await this.append(entry, append);
  }

  private append(entry: MessageKey, append: AppendMessage): Promise<void> {
    // Also for a known key: its first snapshot may have failed.
    return append(entry.event_id, this.journal.save());
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
