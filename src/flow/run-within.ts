import { createContext, Script } from 'node:vm';

/** Synchronous code has been ended because it took too long. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError';
}

const SCRIPT = new Script('task()');
/** Shared by all tasks, because creating a context takes longer than most of them. */
const CONTEXT: { task?: () => void } = createContext({});

/** How often a task is run when the machine is too busy to give it its time. */
const MAX_ATTEMPTS = 4;

/**
 * Runs synchronous code that input from outside could keep busy without end, such as a regular expression
 * that backtracks. At the limit the code is ended in the middle, so it must not change anything that is used
 * afterwards. It is repeated if the process had the processor for less than half of the time, because then
 * the machine is slow and not the code. The task must not call this function itself.
 * @throws TimeLimitError after `limitMs`; any error of the task
 */
export function runWithin<T>(limitMs: number, task: () => T): T {
  for (let attempt = 1; ; attempt += 1) {
    const before = process.cpuUsage();
    try {
      return runOnce(limitMs, task);
    } catch (error) {
      if (!(error instanceof TimeLimitError) || attempt === MAX_ATTEMPTS) throw error;
      const { user, system } = process.cpuUsage(before);
      if ((user + system) / 1000 >= limitMs / 2) throw error;
    }
  }
}

function runOnce<T>(limitMs: number, task: () => T): T {
  let result: { value: T } | undefined;
  CONTEXT.task = () => {
    result = { value: task() };
  };
  try {
    SCRIPT.runInContext(CONTEXT, { timeout: Math.ceil(limitMs) });
  } catch (error) {
    throw isTimeout(error) ? new TimeLimitError(`not done within ${limitMs} ms`) : error;
  } finally {
    delete CONTEXT.task;
  }
  if (!result) throw new TypeError('the task has not run');
  return result.value;
}

/** The error may be one of the context, which has classes of its own. */
function isTimeout(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}
