import type { ConversationState } from '../state/conversation-state.js';

/** How an open conversation is used at a moment. */
export interface ConversationUse {
  /** A run, a goal, another call of a model or a question of an ACP agent is in progress. */
  isWorking: boolean;
  /** Sockets and other followers of its events. */
  watchers: number;
  /** Since a client changed or steered it last (ms); Infinity if none did while it was open. */
  unusedMs: number;
}

/** Decides whether a conversation may end. @param use undefined if it is not open */
export type MayEnd = (state: ConversationState, use: ConversationUse | undefined) => boolean;
