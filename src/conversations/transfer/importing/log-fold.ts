import { isBranchEvent } from '../../../agent/index.js';
import { errorMessage } from '../../../errors/index.js';
import type { DurableEvent } from '../../../events/index.js';
import { validated } from '../../journal/parse-event.js';
import { foldEvent, touch, type ConversationState } from '../../state/conversation-state.js';
import { noAttention } from '../../state/attention.js';
import type { ImportNotes } from '../reading/notes.js';

/** What a log says, beside the state that was stored with it. */
export class LogFold {
  private readonly folded: ConversationState;
  private isHeadSeen = false;
  private isEmpty = true;

  constructor(
    private readonly state: ConversationState,
    private readonly notes: ImportNotes,
  ) {
    const { created_at: created } = state;
    this.folded = {
      ...structuredClone(state),
      execution_status: 'idle',
      leaf_event_id: null,
      last_user_message_id: null,
      updated_at: created,
      goal: null,
      attention: noAttention(created),
    };
  }

  add(event: DurableEvent): void {
    this.isEmpty = false;
    if (event.id === this.state.leaf_event_id) this.isHeadSeen = isBranchEvent(event);
    if (!validated(event)) {
      this.notes.problem(`event ${event.id} (${event.kind}) lacks fields: the agent goes on without it`);
      return;
    }
    try {
      foldEvent(this.folded, event);
    } catch (error) {
      // A value inside is not of its type.
      this.notes.problem(`event ${event.id} (${event.kind}) is not as it should be: ${errorMessage(error)}`);
    }
  }

  /**
   * Adds to the state what only the log says, and mends what contradicts it.
   * @param isStored whether the state was stored; else the log is all that there is
   */
  apply(isStored: boolean): void {
    const { state, folded } = this;
    state.goal = folded.goal;
    state.attention = folded.attention;
    if (!isStored) {
      const { execution_status, last_user_message_id, stats, tags, agent_state } = folded;
      Object.assign(state, { execution_status, last_user_message_id, stats, agent_state });
      state.tags = { ...tags, ...state.tags };
    }
    this.applyHead();
    // After a kill the stored time is older than the last event.
    touch(state, folded.updated_at);
  }

  private applyHead(): void {
    const { state, folded } = this;
    if (state.leaf_event_id !== null && !this.isHeadSeen) {
      this.notes.problem(`its head ${state.leaf_event_id} is not in its log: the last event takes its place`);
      state.leaf_event_id = null;
      state.head_is_empty = false;
    }
    // Older versions store no head: it is the last event.
    if (state.leaf_event_id === null && !state.head_is_empty && !this.isEmpty)
      state.leaf_event_id = folded.leaf_event_id;
  }
}
