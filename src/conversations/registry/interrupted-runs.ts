import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import { LeaseLostError } from '../../storage/index.js';
import type { Conversation } from '../conversation/conversation.js';
import type { ConversationServices } from '../conversation/conversation-services.js';
import type { InterruptedRun } from '../runs/interrupted-run.js';
import { UnrecordedRuns } from '../runs/unrecorded-runs.js';
import { failedAttention } from '../state/attention.js';
import type { ConversationState } from '../state/conversation-state.js';

/**
 * Runs that were interrupted by the end of their server or by a failure of the storage: what readers see
 * until that is recorded, and the record.
 */
export class InterruptedRuns {
  private readonly logger = new Logger('Conversations');
  private readonly unrecorded: UnrecordedRuns;
  /** Resumes a run; undefined: they are paused. */
  private resume: ((id: string) => void) | undefined;

  /** @param recover opens a conversation, which writes the record */
  constructor(
    private readonly services: Pick<ConversationServices, 'catalogue' | 'config' | 'workspaces'>,
    recover: (id: string) => Promise<void>,
  ) {
    this.unrecorded = new UnrecordedRuns(recover);
  }

  /** Has them resumed instead of paused: `resume` is called for each when it is found. */
  onFound(resume: (id: string) => void): void {
    this.resume = resume;
  }

  isRecorded(id: string): boolean {
    return this.unrecorded.reasonOf(id) === undefined;
  }

  /** The stored state of a conversation as readers see it while its interrupted run is not recorded. */
  shown(state: ConversationState): ConversationState {
    const reason = this.unrecorded.reasonOf(state.id);
    if (reason === undefined) return state;
    const attention = failedAttention('StorageFailedError', reason, state.updated_at);
    return { ...state, execution_status: 'error', attention };
  }

  /** A conversation had a run and can write its log no more. */
  add({ id, state }: Conversation, error: Error): void {
    // After a lost lease the new owner records the interrupted run.
    if (error instanceof LeaseLostError) return;
    this.unrecorded.add(id, errorMessage(error));
    // Other servers find an interrupted run by its stored status: that stays until the run is recorded.
    if (this.services.config.database_url === null)
      this.services.catalogue.updateEntry({ ...state, execution_status: 'error' });
  }

  /** The record is written, or the conversation is deleted. */
  delete(id: string): void {
    this.unrecorded.delete(id);
  }

  stop(): void {
    this.unrecorded.stop();
  }

  /** Records the interrupted run of a conversation that was just opened. If that fails it is closed again. */
  async record(conversation: Conversation): Promise<void> {
    const { id } = conversation;
    const reason = this.unrecorded.reasonOf(id);
    const isHere = this.services.workspaces.isHere(conversation.state);
    const interrupted: InterruptedRun =
      reason === undefined
        ? { by: 'restart', resumes: this.resume !== undefined && isHere }
        : { by: 'storage', reason };
    try {
      await conversation.recovery.record(interrupted);
    } catch (error) {
      await conversation.close(0);
      throw error;
    }
    if (interrupted.by === 'storage') return;
    const next = interrupted.resumes ? 'it is resumed' : 'it is paused';
    this.logger.warn(`conversation ${id} was running when its server stopped; ${next}`);
    if (interrupted.resumes) this.resume?.(id);
  }
}
