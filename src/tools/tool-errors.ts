import { pythonRepr } from './arguments/python-text.js';

/** A configuration names a tool that this server does not have. */
export class UnknownToolError extends Error {
  override readonly name = 'UnknownToolError';

  constructor(
    readonly toolName: string,
    readonly available: readonly string[],
  ) {
    super(`ToolDefinition '${toolName}' is not registered. Available: ${pythonRepr(available)}`);
  }
}

/** Two tools of one conversation have the same name, so the model could not tell them apart. */
export class DuplicateToolError extends Error {
  override readonly name = 'DuplicateToolError';

  constructor(readonly toolNames: readonly string[]) {
    super(`Duplicate tool names found: {${toolNames.map(pythonRepr).join(', ')}}`);
  }
}
