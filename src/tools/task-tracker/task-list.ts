import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readJsonFile, replaceFile } from '../../files/index.js';
import { SerialQueue } from '../../flow/index.js';

const TASK_STATUSES = ['todo', 'in_progress', 'done'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** A task. Clients see the fields in this order. */
export interface TaskItem {
  title: string;
  notes: string;
  status: TaskStatus;
}

/** JSON schema of one task. */
export const TASK_SCHEMA = {
  type: 'object',
  title: 'TaskItem',
  properties: {
    title: { type: 'string', description: 'A brief title for the task.' },
    notes: { type: 'string', description: 'Additional details or notes about the task.', default: '' },
    status: {
      type: 'string',
      description: "The current status of the task. One of 'todo', 'in_progress', or 'done'.",
      enum: [...TASK_STATUSES],
      default: 'todo',
    },
  },
  required: ['title'],
};

const STATUS_ALIASES = new Map<string, TaskStatus>([
  ['pending', 'todo'],
  ['to_do', 'todo'],
  ['completed', 'done'],
  ['complete', 'done'],
]);

/**
 * Maps spellings such as `Completed`, `to-do` or `In Progress` to a status; others are returned unchanged.
 */
export function normaliseStatus(status: string): string {
  const normalised = status
    .trim()
    .toLowerCase()
    .replaceAll(/[-\s]+/g, '_');
  return STATUS_ALIASES.get(normalised) ?? TASK_STATUSES.find((known) => known === normalised) ?? status;
}

/** Whether a value is a list of complete tasks. */
export function isTaskList(value: unknown): value is TaskItem[] {
  return Array.isArray(value) && value.every(isTask);
}

function isTask(value: unknown): value is TaskItem {
  if (typeof value !== 'object' || value === null) return false;
  if (!('title' in value && 'notes' in value && 'status' in value)) return false;
  const { title, notes, status } = value;
  return (
    typeof title === 'string' && typeof notes === 'string' && TASK_STATUSES.some((known) => known === status)
  );
}

/** The largest file that is read (bytes): the agent itself can write to it. */
const MAX_BYTES = 1024 * 1024;

/** The task list of a conversation, stored in a file. Writes are serialised. */
export class TaskList {
  private readonly file: string;
  private readonly writes = new SerialQueue();

  constructor(private readonly folder: string) {
    this.file = path.join(folder, 'TASKS.json');
  }

  /** The tasks that were saved last; none if the file is missing or invalid. */
  async read(): Promise<TaskItem[]> {
    await this.writes.settled();
    try {
      const tasks: unknown = await readJsonFile(this.file, { limit: MAX_BYTES });
      return isTaskList(tasks) ? tasks : [];
    } catch {
      // The list is only a note of the model: if it is lost, the model continues with an empty one.
      return [];
    }
  }

  /**
   * Replaces the whole list.
   * @throws the error of the file system
   */
  async replace(tasks: readonly TaskItem[]): Promise<void> {
    await this.writes.run(async () => {
      await mkdir(this.folder, { recursive: true });
      await replaceFile(this.file, JSON.stringify(tasks, null, 2));
    });
  }
}
