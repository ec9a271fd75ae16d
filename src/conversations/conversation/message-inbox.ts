import { InvalidRequestError } from '../../errors/index.js';
import type { MessageKeys } from './message-keys.js';
import type { IncomingMessage } from '../state/start-request.js';

/** What sending a message needs of its conversation. */
export interface MessageInboxHost {
  assertOpen(): void;
  /** Appends the message; resolves when it is durable. */
  append(message: IncomingMessage, id?: string): Promise<void>;
  /** Has the agent answer. @throws RunLimitError */
  answer(slot?: () => void): void;
  saveSoon(): void;
}

/** How a message is sent. */
export interface SendOptions {
  /** For the run, taken already by who calls. */
  slot?: () => void;
  /** The same key twice is one message. */
  key?: string;
}

/** Takes messages from clients: each once, and answered if that is wanted. */
export class MessageInbox {
  /** How often somebody has stopped the conversation. */
  private stops = 0;

  constructor(
    private readonly host: MessageInboxHost,
    private readonly keys: MessageKeys,
  ) {}

  /**
   * Appends a message of the user; with `run` an answer is wanted too, unless somebody says stop while it is
   * on its way.
   * @throws InvalidRequestError, RunLimitError when the message is kept but no run could be started
   */
  async send(message: IncomingMessage, run: boolean, { slot, key }: SendOptions): Promise<void> {
    this.host.assertOpen();
    assertFromUser(message);
    const { stops } = this;
    const append = (id?: string): Promise<void> => this.host.append(message, id);
    const keyed = key === undefined ? undefined : await this.keys.once(key, message, run, append);
    if (!keyed) await append();
    if (!run) return this.host.saveSoon();
    this.host.assertOpen();
    if (keyed?.answered || stops !== this.stops) {
      slot?.();
      return this.host.saveSoon();
    }
    this.host.answer(slot);
    if (keyed) keyed.answered = true;
  }

  /** Somebody stops the conversation: messages that are still on their way are kept, and start nothing. */
  stop(): void {
    this.stops += 1;
  }
}

function assertFromUser({ role }: IncomingMessage): void {
  if (role === 'user') return;
  throw new InvalidRequestError(
    ['body', 'role'],
    'Only user messages are allowed to be sent to the agent.',
    role,
  );
}
