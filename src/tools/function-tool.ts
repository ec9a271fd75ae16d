import type { Observation } from '../events/index.js';
import type { ExecutionContext, Tool, ToolDefinition, ToolResource } from './tool.js';

/** What a tool does that keeps nothing between its calls and starts nothing that outlives them. */
export interface ToolFunction {
  /** See `ToolInvocation.execute`. */
  execute: (args: Record<string, unknown>, context: ExecutionContext) => Promise<Observation>;
  /** What a call will touch; default: nothing that needs a lock. */
  touches?: (args: Record<string, unknown>) => ToolResource[];
}

/** A tool that is one function. */
export function functionTool(definition: ToolDefinition, { execute, touches }: ToolFunction): Tool {
  return {
    definition,
    prepare: (args) => ({
      action: { ...args, kind: definition.actionKind },
      touches: () => touches?.(args) ?? [],
      execute: (context) => execute(args, context),
    }),
    close: () => Promise.resolve(),
  };
}

/** The definition with a sentence on where the tool works, for this conversation. */
export function inWorkspace(definition: ToolDefinition, workingDir: string, rule: string): ToolDefinition {
  const description = `${definition.description}\n\nYour current working directory is: ${workingDir}\n${rule}`;
  return { ...definition, description };
}

/** An argument that is text; undefined when it is not set. */
export function textArgument(args: Record<string, unknown>, name: string): string | undefined {
  const value = args[name];
  return typeof value === 'string' ? value : undefined;
}

/** An argument that is a number; undefined when it is not set. */
export function numberArgument(args: Record<string, unknown>, name: string): number | undefined {
  const value = args[name];
  return typeof value === 'number' ? value : undefined;
}
