/** One way to solve a task, or to fail in it. */
export interface Solution {
  steps: object[];
  answer: string;
}

export interface Task {
  name: string;
  title: string;
  prompt: string;
  version: string;
  /** Makes the repository of the task in an empty folder. */
  prepare(folder: string): Promise<void>;
  /** Runs after the agent has ended; `before` is the snapshot of the prepared folder. */
  check(result: {
    folder: string;
    answer: string;
    events: object[];
    before: Map<string, string>;
  }): Promise<{ passed: boolean; reasons: string[] }>;
  right: Solution;
  wrong: Solution[];
}

export function loadTasks(): Promise<Task[]>;
export function missingPrograms(task: Task): string[];
export function solutionsOf(task: Task): { name: string; solution: Solution; accepted: boolean }[];
