import { errorMessage } from '../errors/index.js';
import type { ActionEvent, ErrorClassification, EventDraft } from '../events/index.js';
import { ToolExecutionError, type Tool, type ToolInvocation, type ToolResource } from '../tools/tool.js';
import { AGENT_MISTAKE, TOOL_FAULT } from './error-classification.js';

/** Executes one action and answers with the event that follows: an observation, or an error for the model. */
export async function executeAction(
  action: ActionEvent,
  tools: ReadonlyMap<string, Tool>,
  signal: AbortSignal,
): Promise<EventDraft> {
  try {
    const invocation = invocationOf(action, tools);
    if (!invocation) return errorDraft(action, notFound(action.tool_name, tools), AGENT_MISTAKE);
    const observation = await invocation.execute({ signal });
    return {
      source: 'environment',
      tool_name: action.tool_name,
      tool_call_id: action.tool_call_id,
      observation,
      action_id: action.id,
      extended_content: [],
      kind: 'ObservationEvent',
    };
  } catch (error) {
    const text = errorMessage(error);
    const mistake = error instanceof ToolExecutionError;
    return errorDraft(
      action,
      `Error executing tool '${action.tool_name}': ${text}`,
      mistake ? AGENT_MISTAKE : TOOL_FAULT,
    );
  }
}

/** What an action will touch: actions that share something are executed one after another. */
export function resourcesOf(action: ActionEvent, tools: ReadonlyMap<string, Tool>): ToolResource[] {
  return invocationOf(action, tools)?.touches() ?? [];
}

function invocationOf(action: ActionEvent, tools: ReadonlyMap<string, Tool>): ToolInvocation | undefined {
  if (!action.action) return undefined;
  const { kind: _kind, ...args } = action.action;
  return tools.get(action.tool_name)?.prepare(args);
}

function notFound(name: string, tools: ReadonlyMap<string, Tool>): string {
  const names = [...tools.keys()].map((known) => `'${known}'`).join(', ');
  return `Tool '${name}' not found. Available: [${names}]`;
}

function errorDraft(action: ActionEvent, error: string, classification: ErrorClassification): EventDraft {
  return {
    source: 'agent',
    tool_name: action.tool_name,
    tool_call_id: action.tool_call_id,
    error,
    classification,
    kind: 'AgentErrorEvent',
  };
}

/**
 * Runs tasks at most `limit` at a time and in an order in which tasks that share a resource follow each other, and
 * hands the results over in the order of the tasks, each as soon as those before it are there.
 */
export async function runBatch<T>(
  tasks: readonly { resources: readonly ToolResource[]; run: () => Promise<T> }[],
  limit: number,
  onResult: (result: T, index: number) => Promise<void>,
): Promise<void> {
  const lastUse = new Map<string, Promise<unknown>>();
  const running = new Set<Promise<unknown>>();
  let delivered: Promise<void> = Promise.resolve();
  for (const [index, task] of tasks.entries()) {
    while (running.size >= Math.max(1, limit)) await Promise.race(running);
    const keys = task.resources.map((resource) => `${resource.kind}:${resource.key}`);
    const before = keys.map((key) => lastUse.get(key) ?? Promise.resolve());
    const result = Promise.allSettled(before).then(() => task.run());
    for (const key of keys) lastUse.set(key, result);
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    running.add(settled);
    void settled.then(() => running.delete(settled));
    delivered = delivered.then(async () => onResult(await result, index));
    // A failure is thrown below, once: until then nobody may take it for unhandled.
    delivered.catch(() => undefined);
  }
  await delivered;
}
