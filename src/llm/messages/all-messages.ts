import type { Message } from '../../events/index.js';
import { sharedLength } from './shared-length.js';

/**
 * Whether all messages of a dialogue pass a test. A dialogue comes back at every step, some messages longer:
 * those that passed before are not tested again, so the test may look at nothing but the message.
 */
export function allMessages(
  passes: (message: Message) => boolean,
): (messages: readonly Message[]) => boolean {
  /** The dialogue that passed last, by its first message. */
  const passed = new WeakMap<Message, readonly Message[]>();
  return (messages) => {
    const [first] = messages;
    if (first === undefined) return true;
    const before = passed.get(first) ?? [];
    const same = sharedLength(before, messages);
    for (const message of messages.slice(same)) if (!passes(message)) return false;
    // A copy: who asked may go on with the same list.
    if (same < messages.length || same < before.length) passed.set(first, messages.slice());
    return true;
  };
}
