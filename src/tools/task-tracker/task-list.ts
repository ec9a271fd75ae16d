import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readJsonFile, replaceFile } from '../../files/index.js';
import { SerialQueue } from '../../flow/index.js';

const TASK_STATUSES = ['todo', 'in_progress', 'done'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** One task; the key order is what clients see. */
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
 * The status that a model means by `Completed`, `to-do` or `In Progress`; what means nothing stays as it is.
 */
export function foldStatus(status: string): string {
  const folded = status
    .trim()
    .toLowerCase()
    .replaceAll(/[-\s]+/g, '_');
  return STATUS_ALIASES.get(folded) ?? TASK_STATUSES.find((known) => known === folded) ?? status;
}

/** Whether a value is a list of tasks with all their fields. */
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

/** Bytes of a list that is read: the agent can write to its file. */
const MAX_BYTES = 1024 * 1024;

/** The task list of a conversation, in a file that survives restarts. Changes are made one after another. */
export class TaskList {
  private readonly file: string;
  private readonly writes = new SerialQueue();

  constructor(private readonly folder: string) {
    this.file = path.join(folder, 'TASKS.json');
  }

  /** The tasks as they were saved last; none when the file is missing or unreadable. */
  async read(): Promise<TaskItem[]> {
    await this.writes.settled();
    try {
      const tasks: unknown = await readJsonFile(this.file, { limit: MAX_BYTES });
      return isTaskList(tasks) ? tasks : [];
    } catch {
      // The list is the model's own note. If it is lost, an empty list is what it has to go on with.
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
