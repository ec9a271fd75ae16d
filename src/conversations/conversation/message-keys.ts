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
    const { entry, isKnown } = this.entryFor(name, [message, run]);
    await (this.sending?.get(entry.key) ?? this.send(entry, isKnown, append));
    return entry;
  }

  /**
   * The event of the message that came with a key, or is to be appended; undefined for an unknown key.
   * @param message what comes with it now, to be answered by a run
   * @throws InvalidRequestError when the key came with another message before
   */
  eventOf(name: string, message?: NewMessage): string | undefined {
    return this.find(name, message && [message, true])?.event_id;
  }

  /**
   * Takes a key for something that is no message; resolves when that is stored.
   * @returns false for a key that was taken before
   * @throws InvalidRequestError when the key came with something else before
   */
  async take(name: string, what: unknown): Promise<boolean> {
    const { entry, isKnown } = this.entryFor(name, what);
    if (isKnown) return false;
    entry.answered = true;
    await this.journal.save();
    return true;
  }

  /** What a key was taken for has failed: it can be used again. */
  giveBack(name: string): void {
    const key = digest(name);
    this.journal.state.message_keys = this.keys.filter((entry) => entry.key !== key);
  }

  private get keys(): MessageKey[] {
    return (this.journal.state.message_keys ??= []);
  }

  /** @throws InvalidRequestError when the key came with something else before */
  private entryFor(name: string, what: unknown): { entry: MessageKey; isKnown: boolean } {
    const known = this.find(name, what);
    if (known) return { entry: known, isKnown: true };
    const request = digest(JSON.stringify(what));
    const entry = { key: digest(name), request, event_id: randomUUID(), answered: false };
    this.keys.push(entry);
    if (this.keys.length > MAX_KEYS) this.keys.shift();
    return { entry, isKnown: false };
  }

  /** @throws InvalidRequestError when the key came with something else before */
  private find(name: string, what: unknown): MessageKey | undefined {
    const key = digest(name);
    const known = this.keys.find((entry) => entry.key === key);
    if (!known || what === undefined || known.request === digest(JSON.stringify(what))) return known;
    const location = ['header', 'Idempotency-Key'];
    throw new InvalidRequestError(location, 'This key came with another message before', name);
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
