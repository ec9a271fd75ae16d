import { pythonRepr } from '../../text/index.js';

/**
 * Which command of the file editor the presence of an argument tells, in the order in which they are asked.
 */
const TELLTALES: readonly [argument: string, command: string][] = [
  ['old_str', 'str_replace'],
  ['insert_line', 'insert'],
  ['file_text', 'create'],
  ['path', 'view'],
];

/** Nothing in the arguments says which command was meant. */
export class CommandNotInferredError extends Error {
  override readonly name = 'CommandNotInferredError';
}

/**
 * Adds the `command` that a call of the file editor left out.
 * @throws CommandNotInferredError when there is nothing but a summary or a risk
 */
export function inferFileEditorCommand(args: Record<string, unknown>): Record<string, unknown> {
  if (Object.hasOwn(args, 'command')) return args;
  const telltale = TELLTALES.find(([argument]) => Object.hasOwn(args, argument));
  if (telltale) return { command: telltale[1], ...args };
  if (Object.keys(args).some((key) => key !== 'security_risk' && key !== 'summary')) return args;
  throw new CommandNotInferredError(
    `Cannot infer 'command' for tool 'file_editor' from empty arguments ${pythonRepr(args)}. ` +
      'Expected one of: str_replace, insert, create, view with appropriate arguments ' +
      '(e.g., old_str for str_replace, path for view).',
  );
}
