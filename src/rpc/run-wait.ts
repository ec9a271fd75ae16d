import { type Conversation, ConversationNotFoundError } from '../conversations/index.js';
import type { EventBus } from '../events/index.js';
import { WaitMovedError } from './rpc-errors.js';

/** How long a caller waits for a conversation, and what it is told meanwhile. */
export interface WaitOptions {
  timeoutMs: number;
  /** The caller has left: the wait ends, the run goes on. */
  signal: AbortSignal;
  /** Called first, with each durable event, and when the run begins something else. Must not throw. */
  onProgress?: (conversation: Conversation) => void;
}

/** How a wait ended: nothing works any more, time is up, or the caller has left. */
export type WaitEnd = 'idle' | 'timeout' | 'left';

/** Whether a run is active, waits for a free slot, or follows as a part of a goal. */
export function works({ isRunning, starter, state }: Conversation): boolean {
  return isRunning || starter.isWaiting || isPursuing(state);
}

/** A goal that waits for a person to decide about an action does not go on by itself. */
function isPursuing({ goal, execution_status: status }: Conversation['state']): boolean {
  return goal?.active === true && status !== 'waiting_for_confirmation';
}

/**
 * Resolves when a conversation does nothing more by itself. Hears it from the bus: nothing is asked again and
 * again, and nothing of an ended wait is kept.
 * @throws ConversationNotFoundError if it is deleted meanwhile; WaitMovedError
 */
export function waitWhileWorking(
  conversation: Conversation,
  bus: EventBus,
  { timeoutMs, signal, onProgress }: WaitOptions,
): Promise<WaitEnd> {
  const { id } = conversation;
  return new Promise((resolve, reject) => {
    const check = (): void => {
      if (!works(conversation)) end(() => resolve('idle'));
    };
    const leave = (): void => end(() => resolve('left'));
    const timer = setTimeout(() => end(() => resolve('timeout')), timeoutMs);
    const unsubscribe = bus.subscribe(id, {
      onEvent: ({ seq }) => {
        if (seq !== undefined) onProgress?.(conversation);
        check();
      },
      onUpdate: () => {
        onProgress?.(conversation);
        check();
      },
      onClosing: ({ removed }) => {
        end(() => reject(removed ? new ConversationNotFoundError(id) : new WaitMovedError(id)));
        return Promise.resolve();
      },
    });
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      unsubscribe();
      signal.removeEventListener('abort', leave);
      settle();
    };
    signal.addEventListener('abort', leave);
    if (signal.aborted) return leave();
    onProgress?.(conversation);
    check();
  });
}
