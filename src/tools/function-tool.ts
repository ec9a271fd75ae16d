import type { Content, Observation } from '../events/index.js';
import type { ExecutionContext, Tool, ToolDefinition, ToolResource } from './tool.js';

/** The behaviour of a tool that keeps no state between calls and starts nothing that outlives a call. */
interface ToolFunction {
  /** See `ToolInvocation.execute`. */
  execute: (args: Record<string, unknown>, context: ExecutionContext) => Promise<Observation>;
  /** See `ToolInvocation.touches`; default: no resources. */
  touches?: (args: Record<string, unknown>) => ToolResource[];
}

/** Creates a tool from a function. */
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

/** Creates a tool that only answers: it uses no resources and cannot fail. */
export function answeringTool(
  definition: ToolDefinition,
  answer: (args: Record<string, unknown>) => Content[],
): Tool {
  return functionTool(definition, {
    execute: (args) =>
      Promise.resolve({ content: answer(args), is_error: false, kind: definition.observationKind }),
  });
}

/** The definition with the working directory, and a rule about paths, added to its description. */
export function withWorkingDir(
  definition: ToolDefinition,
  workingDir: string,
  pathRule: string,
): ToolDefinition {
  const description = `${definition.description}\n\nYour current working directory is: ${workingDir}\n${pathRule}`;
  return { ...definition, description };
}

/** A string argument; undefined if it is not set. */
export function textArgument(args: Record<string, unknown>, name: string): string | undefined {
  const value = args[name];
  return typeof value === 'string' ? value : undefined;
}

/** A number argument; undefined if it is not set. */
export function numberArgument(args: Record<string, unknown>, name: string): number | undefined {
  const value = args[name];
  return typeof value === 'number' ? value : undefined;
}
