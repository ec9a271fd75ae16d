import type { Content } from '../events/index.js';
import { functionTool } from './function-tool.js';
import type { Tool, ToolDefinition } from './tool.js';

/** A tool that keeps nothing, touches nothing and cannot fail: it only answers. */
export function statelessTool(
  definition: ToolDefinition,
  answer: (args: Record<string, unknown>) => Content[],
): Tool {
  return functionTool(definition, {
    execute: (args) =>
      Promise.resolve({ content: answer(args), is_error: false, kind: definition.observationKind }),
  });
}
