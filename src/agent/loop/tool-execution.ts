import { errorMessage } from '../../errors/index.js';
import type { ActionEvent, EventDraft } from '../../events/index.js';
import { ToolExecutionError, type Tool, type ToolInvocation, type ToolResource } from '../../tools/index.js';
import type { OutputStream } from '../agent-session.js';
import { rejectionDraft, toolErrorDraft } from '../event-drafts.js';
import { AGENT_MISTAKE, TOOL_FAULT } from '../error-classification.js';

/** Work to execute and the resources that it uses. */
export interface Task<T> {
  resources: readonly ToolResource[];
  run(): Promise<T>;
}

/**
 * Creates a task for an action. It resolves with the resulting event: an observation, or an error for the
 * model. Once the run is interrupted nothing is executed.
 * @param blocked why a hook blocked the action
 * @param openOutput opens the stream for what the action prints while it is executed
 */
export function actionTask(
  action: ActionEvent,
  tools: ReadonlyMap<string, Tool>,
  signal: AbortSignal,
  blocked?: string,
  openOutput?: (actionId: string) => OutputStream | undefined,
): Task<EventDraft> {
  if (blocked !== undefined) {
    const draft = rejectionDraft(action, blocked, 'hook');
    return { resources: [], run: () => Promise.resolve(draft) };
  }
  let invocation: ToolInvocation | undefined;
  try {
    invocation = prepareInvocation(action, tools);
  } catch (error) {
    return { resources: [], run: () => Promise.resolve(failure(action, error)) };
  }
  if (!invocation) {
    const draft = toolErrorDraft(action, toolNotFoundText(action.tool_name, tools), AGENT_MISTAKE);
    return { resources: [], run: () => Promise.resolve(draft) };
  }
  const prepared = invocation;
  return {
    resources: prepared.touches(),
    run: () => execute(action, prepared, signal, openOutput?.(action.id)),
  };
}

async function execute(
  action: ActionEvent,
  invocation: ToolInvocation,
  signal: AbortSignal,
  output: OutputStream | undefined,
): Promise<EventDraft> {
  signal.throwIfAborted();
  try {
    return {
      source: 'environment',
      tool_name: action.tool_name,
      tool_call_id: action.tool_call_id,
      observation: await invocation.execute({ signal, onOutput: output && ((bytes) => output.write(bytes)) }),
      action_id: action.id,
      extended_content: [],
      kind: 'ObservationEvent',
    };
  } catch (error) {
    return failure(action, error);
  } finally {
    output?.end();
  }
}

function failure(action: ActionEvent, error: unknown): EventDraft {
  const text = `Error executing tool '${action.tool_name}': ${errorMessage(error)}`;
  return toolErrorDraft(action, text, error instanceof ToolExecutionError ? AGENT_MISTAKE : TOOL_FAULT);
}

function prepareInvocation(
  action: ActionEvent,
  tools: ReadonlyMap<string, Tool>,
): ToolInvocation | undefined {
  if (!action.action) return undefined;
  const { kind: _kind, ...args } = action.action;
  const tool = tools.get(action.tool_name);
  return tool?.prepare(tool.definition.argumentsOf?.(action.action) ?? args);
}

function toolNotFoundText(name: string, tools: ReadonlyMap<string, Tool>): string {
  const names = [...tools.keys()].map((known) => `'${known}'`).join(', ');
  return `Tool '${name}' not found. Available: [${names}]`;
}

/**
 * Runs at most `limit` tasks at a time. Tasks that share a resource run one after another. Results are
 * delivered in task order, each as soon as all earlier ones are available. After the first failure no further
 * task is started.
 */
export async function runBatch<T>(
  tasks: readonly Task<T>[],
  limit: number,
  onResult: (result: T, index: number) => Promise<void>,
): Promise<void> {
  const lastUse = new Map<string, Promise<unknown>>();
  const running = new Set<Promise<unknown>>();
  const failure = new AbortController();
  let delivered: Promise<void> = Promise.resolve();
  for (const [index, task] of tasks.entries()) {
    while (running.size >= Math.max(1, limit)) await Promise.race(running);
    if (failure.signal.aborted) break;
    const keys = task.resources.map((resource) => `${resource.kind}:${resource.key}`);
    const before = keys.map((key) => lastUse.get(key) ?? Promise.resolve());
    const result = Promise.allSettled(before).then(() => task.run());
    for (const key of keys) lastUse.set(key, result);
    const previous = delivered;
    const delivery = (async () => {
      const value = await result;
      await previous;
      await onResult(value, index);
    })();
    // A failure is thrown below; this prevents an unhandled rejection until then.
    const settled = delivery.catch(() => failure.abort());
    delivered = delivery;
    running.add(settled);
    void settled.then(() => running.delete(settled));
  }
  await Promise.all([...running]);
  await delivered;
}
