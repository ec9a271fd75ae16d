import type { Content } from '../events/index.js';
import type { Tool, ToolDefinition } from './tool.js';

/** A tool that keeps nothing, touches nothing and cannot fail: it only answers. */
export function statelessTool(
  definition: ToolDefinition,
  answer: (args: Record<string, unknown>) => Content[],
): Tool {
  return {
    definition,
    prepare: (args) => ({
      action: { ...args, kind: definition.actionKind },
      touches: () => [],
      execute: () =>
        Promise.resolve({ content: answer(args), is_error: false, kind: definition.observationKind }),
    }),
    close: () => Promise.resolve(),
  };
}
