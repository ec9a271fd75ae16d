import type { Message } from '../events/index.js';

/**
 * Whether all messages of a dialogue pass a test. A dialogue comes back at every step, some messages longer: those that
 * passed before are not tested again, so the test may look at nothing but the message.
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
    let at = 0;
    while (at < before.length && before[at] === messages[at]) at += 1;
    for (; at < messages.length; at += 1) {
      const message = messages[at];
      if (message !== undefined && !passes(message)) return false;
    }
    passed.set(first, messages);
    return true;
  };
}
