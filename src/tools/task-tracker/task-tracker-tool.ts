import { textContent, type Observation } from '../../events/index.js';
import { ToolExecutionError, type Tool, type ToolDefinition, type ToolInvocation } from '../tool.js';
import type { ToolHost } from '../tool-host.js';
import {
  normaliseStatus,
  isTaskList,
  TASK_SCHEMA,
  TaskList,
  type TaskItem,
  type TaskStatus,
} from './task-list.js';

/** Lets the agent keep a task list that clients can show. Each `plan` replaces the whole list. */
export const taskTrackerDefinition: ToolDefinition = {
  name: 'task_tracker',
  kind: 'TaskTrackerTool',
  actionKind: 'TaskTrackerAction',
  observationKind: 'TaskTrackerObservation',
  title: 'task_tracker',
  description:
    'This tool provides structured task management capabilities for development workflows.\n\n' +
    '* `view` shows the current task list.\n' +
    '* `plan` replaces the whole list with `task_list`: send every task each time, finished ones too.\n\n' +
    'Use it for work of several distinct steps, for requests that name several things to do, and whenever new ' +
    'requirements arrive. Leave it for a single simple change or for a question.\n\n' +
    'Keep it true: set a task to `in_progress` before you start it, have one task in progress at a time, and set it ' +
    'to `done` as soon as it is complete and verified, not before. Break large tasks into ones that can be checked; ' +
    'add what you find on the way as tasks of their own.',
  annotations: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: false,
  },
  schema: {
    type: 'object',
    properties: {
      command: {
        type: 'string',
        description:
          'The command to execute. `view` shows the current task list. `plan` creates or updates the task list ' +
          'based on provided requirements and progress. Always `view` the current list before making changes.',
        enum: ['view', 'plan'],
        default: 'view',
      },
      task_list: {
        type: 'array',
        description: 'The full task list. Required parameter of `plan` command.',
        items: TASK_SCHEMA,
        default: [],
      },
    },
  },
  normaliseArguments(args) {
    const tasks = args['task_list'];
    if (!Array.isArray(tasks)) return args;
    return { ...args, task_list: tasks.map(normaliseTask) };
  },
  create: (host) => new TaskTrackerTool(host),
};

function normaliseTask(task: unknown): unknown {
  if (typeof task !== 'object' || task === null || !('status' in task)) return task;
  return typeof task.status === 'string' ? { ...task, status: normaliseStatus(task.status) } : task;
}

class TaskTrackerTool implements Tool {
  readonly definition = taskTrackerDefinition;
  private readonly tasks: TaskList;

  constructor(host: ToolHost) {
    this.tasks = new TaskList(host.folder);
  }

  prepare(args: Record<string, unknown>): ToolInvocation {
    return {
      action: { ...args, kind: taskTrackerDefinition.actionKind },
      touches: () => [{ kind: 'tool', key: taskTrackerDefinition.name }],
      execute: async () => {
        if (args['command'] !== 'plan') return this.view();
        const tasks = args['task_list'];
        if (!isTaskList(tasks)) throw new ToolExecutionError('task_list is not a list of tasks');
        return this.plan(tasks);
      },
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async view(): Promise<Observation> {
    const tasks = await this.tasks.read();
    const text =
      tasks.length === 0 ? 'No task list found. Use the "plan" command to create one.' : renderTasks(tasks);
    return observation('view', text, tasks);
  }

  private async plan(tasks: TaskItem[]): Promise<Observation> {
    await this.tasks.replace(tasks);
    return observation('plan', `Task list has been updated with ${tasks.length} item(s).`, tasks);
  }
}

function observation(command: 'view' | 'plan', text: string, tasks: TaskItem[]): Observation {
  return {
    content: [textContent(text)],
    is_error: false,
    command,
    task_list: tasks,
    kind: taskTrackerDefinition.observationKind,
  };
}

const ICONS: Record<TaskStatus, string> = { todo: '⏳', in_progress: '🔄', done: '✅' };

function renderTasks(tasks: readonly TaskItem[]): string {
  const entries = tasks.map(
    ({ title, notes, status }, index) =>
      `${index + 1}. ${ICONS[status]} ${title}${notes === '' ? '' : `\n   ${notes}`}`,
  );
  return ['# Task List', ...entries].join('\n\n');
}
