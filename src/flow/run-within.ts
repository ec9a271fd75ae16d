import { createContext, Script } from 'node:vm';

/** Synchronous code has been ended because it took too long. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError';
}

const SCRIPT = new Script('task()');
/** Shared by all tasks, because creating a context takes longer than most of them. */
const CONTEXT: { task?: () => void } = createContext({});

/**
 * Runs synchronous code that input from outside could keep busy without end, such as a regular expression
 * that backtracks. At the limit the code is ended in the middle, so it must not change anything that is used
 * afterwards. The task must not call this function itself.
 * @throws TimeLimitError after `limitMs`; any error of the task
 */
export function runWithin<T>(limitMs: number, task: () => T): T {
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
