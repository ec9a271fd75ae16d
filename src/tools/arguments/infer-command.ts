import { pythonRepr } from '../../text/index.js';

/** The file editor command that the presence of an argument implies; the first match counts. */
const IMPLIED_COMMANDS: readonly [argument: string, command: string][] = [
  ['old_str', 'str_replace'],
  ['insert_line', 'insert'],
  ['file_text', 'create'],
  ['path', 'view'],
];

/** No argument implies a command. */
export class CommandNotInferredError extends Error {
  override readonly name = 'CommandNotInferredError';
}

/**
 * Adds the missing `command` to a call of the file editor.
 * @throws CommandNotInferredError if there are no arguments besides `summary` and `security_risk`
 */
export function inferFileEditorCommand(args: Record<string, unknown>): Record<string, unknown> {
  if (Object.hasOwn(args, 'command')) return args;
  const implied = IMPLIED_COMMANDS.find(([argument]) => Object.hasOwn(args, argument));
  if (implied) return { command: implied[1], ...args };
  if (Object.keys(args).some((key) => key !== 'security_risk' && key !== 'summary')) return args;
  throw new CommandNotInferredError(
    `Cannot infer 'command' for tool 'file_editor' from empty arguments ${pythonRepr(args)}. ` +
      'Expected one of: str_replace, insert, create, view with appropriate arguments ' +
      '(e.g., old_str for str_replace, path for view).',
  );
}
