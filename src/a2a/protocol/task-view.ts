import {
  type Artifact,
  type Message,
  type Part,
  Role,
  type Task,
  TaskState,
  type TaskStatus,
} from '@a2a-js/sdk';
import { type DurableEvent, utcFromLocal } from '../../events/index.js';
import type { TaskFold, TaskPhase } from '../tasks/task-fold.js';
import { type TaskName, taskIdOf } from '../tasks/task-id.js';
import type { TaskReader } from '../tasks/task-reader.js';
import { answerArtifact, answerParts, approvalParts, contentParts, textPart } from './parts.js';

const STATES: Readonly<Record<TaskPhase, TaskState>> = {
  submitted: TaskState.TASK_STATE_SUBMITTED,
  working: TaskState.TASK_STATE_WORKING,
  approval: TaskState.TASK_STATE_INPUT_REQUIRED,
  paused: TaskState.TASK_STATE_INPUT_REQUIRED,
  completed: TaskState.TASK_STATE_COMPLETED,
  failed: TaskState.TASK_STATE_FAILED,
  canceled: TaskState.TASK_STATE_CANCELED,
};

/** A task as clients see it. */
export class TaskView {
  readonly ids: { taskId: string; contextId: string };

  constructor(
    private readonly name: TaskName,
    private readonly reader: TaskReader,
  ) {
    this.ids = { taskId: taskIdOf(name), contextId: name.conversationId };
  }

  /** @param historyLength how many of its last messages; undefined: all that are kept */
  async task(fold: TaskFold, historyLength?: number): Promise<Task> {
    const { taskId: id, contextId } = this.ids;
    const { messages } = fold;
    const seqs = historyLength === 0 ? [] : messages.slice(-(historyLength ?? messages.length));
    const events = await this.reader.events(contextId, seqs);
    return {
      id,
      contextId,
      status: await this.status(fold),
      artifacts: await this.artifacts(fold),
      history: events.flatMap((event) => (event ? [this.messageOf(event)] : [])),
      metadata: undefined,
    };
  }

  /** The status, with what the agent or the server says about it. */
  async status(fold: TaskFold): Promise<TaskStatus> {
    const parts = await this.statusParts(fold);
    const message = parts && this.message(`${this.name.messageId}-${fold.phase}`, Role.ROLE_AGENT, parts);
    return { state: STATES[fold.phase], message, timestamp: utcFromLocal(fold.since) };
  }

  /** The final answer; none for a task that did not end with one. */
  async artifacts(fold: TaskFold): Promise<Artifact[]> {
    if (fold.phase !== 'completed' || fold.answer === undefined) return [];
    const [event] = await this.reader.events(this.name.conversationId, [fold.answer]);
    const parts = event ? answerParts(event) : [];
    return parts.length === 0 ? [] : [answerArtifact(parts)];
  }

  /** A message of the task. */
  message(messageId: string, role: Role, parts: Part[]): Message {
    return { ...this.ids, messageId, role, parts, metadata: undefined, extensions: [], referenceTaskIds: [] };
  }

  private async statusParts(fold: TaskFold): Promise<Part[] | undefined> {
    switch (fold.phase) {
      case 'approval':
        return approvalParts(await this.reader.pendingCalls(this.name));
      case 'paused':
        return [textPart(`${fold.failure ?? 'The task is paused.'} Send a message to go on.`)];
      case 'failed':
        return [textPart(fold.failure ?? 'The run has failed.')];
      case 'completed':
        return (await this.artifacts(fold))[0]?.parts;
      default:
        return undefined;
    }
  }

  private messageOf(event: DurableEvent): Message {
    const isUser = event.kind === 'MessageEvent' && event.source === 'user';
    return isUser
      ? this.message(event.id, Role.ROLE_USER, contentParts(event.llm_message.content))
      : this.message(event.id, Role.ROLE_AGENT, answerParts(event));
  }
}
