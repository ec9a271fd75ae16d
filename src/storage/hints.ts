/** The topic of the hint that a server has ended and left its conversations to the others; its id. */
export const SERVER_LEFT = 'server-left';
/** The topic of the hint that the stored metadata of a conversation were changed or removed; its id. */
export const CONVERSATION_CHANGED = 'conversation-changed';

/**
 * Hints between servers that share a storage: something has changed. They may be lost, so nobody may depend
 * on them alone.
 */
export abstract class Hints {
  /**
   * Tells all other servers. Hints are collected for 10 ms, and equal ones are sent once.
   * @param payload at most 200 characters of ASCII
   */
  abstract tell(topic: string, payload: string): void;
  /**
   * Calls the listener with the payload of each hint of another server, and with `undefined` after hints may
   * have been lost. Returns a function that ends this.
   */
  abstract listen(topic: string, listener: (payload: string | undefined) => void): () => void;
}
