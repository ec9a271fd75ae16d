import { randomUUID } from 'node:crypto';
import { type Part, Role, type StreamResponse, TaskState, type TaskStatus } from '@a2a-js/sdk';
import type { TaskFold } from '../tasks/task-fold.js';
import type { TaskUpdate } from '../tasks/task-watch.js';
import { answerArtifact, textPart } from './parts.js';
import type { TaskView } from './task-view.js';

/**
 * The events of a stream: the task as it is, then what happens to it. Text is sent as pieces of the artifact
 * with the answer. What turns out not to be the answer becomes a message of the status, and the artifact
 * begins anew (`append` is false), so that in the end it has the answer and nothing else.
 */
export class TaskStream {
  /** What was sent of the artifact; undefined: nothing that it is to begin with. */
  private sent: string | undefined;

  constructor(private readonly view: TaskView) {}

  /** The first event. */
  async begin(fold: TaskFold, historyLength: number | undefined): Promise<StreamResponse> {
    return { payload: { $case: 'task', value: await this.view.task(fold, historyLength) } };
  }

  /** The events of an update. @param fold the task after it */
  async *events(update: TaskUpdate, fold: TaskFold): AsyncGenerator<StreamResponse, void> {
    if (update.type === 'text') {
      yield this.piece([textPart(update.text)], this.sent !== undefined, false);
      this.sent = (this.sent ?? '') + update.text;
      return;
    }
    if (update.type === 'end') {
      if (update.phase === 'final_answer') return;
      this.sent = undefined;
      yield this.said(update.text);
      return;
    }
    const [answer] = await this.view.artifacts(fold);
    if (answer) yield this.wholeAnswer(answer.parts);
    yield this.status(await this.view.status(fold));
  }

  /** Ends the artifact: with nothing more, if all of the answer was sent. */
  private wholeAnswer(parts: Part[]): StreamResponse {
    const [first, ...others] = parts;
    const isSent =
      others.length === 0 && first?.content?.$case === 'text' && first.content.value === this.sent;
    return isSent ? this.piece([textPart('')], true, true) : this.piece(parts, false, true);
  }

  private piece(parts: Part[], append: boolean, lastChunk: boolean): StreamResponse {
    const artifact = answerArtifact(parts);
    const value = { ...this.view.ids, artifact, append, lastChunk, metadata: undefined };
    return { payload: { $case: 'artifactUpdate', value } };
  }

  /** Something that the agent says before its answer. */
  private said(text: string): StreamResponse {
    const message = this.view.message(randomUUID(), Role.ROLE_AGENT, [textPart(text)]);
    const timestamp = new Date().toISOString();
    return this.status({ state: TaskState.TASK_STATE_WORKING, message, timestamp });
  }

  private status(status: TaskStatus): StreamResponse {
    return { payload: { $case: 'statusUpdate', value: { ...this.view.ids, status, metadata: undefined } } };
  }
}
