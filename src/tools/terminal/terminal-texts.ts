import { pythonRepr } from '../../text/index.js';
import { truncateMiddle } from '../truncate.js';
import type { TakeoverReport } from './session/takeover.js';
import type { CommandReport } from './session/terminal-session.js';
import { controlLetter } from './keys.js';

// These texts are those of the original, word for word, because models and clients know them.

export const NOTHING_TO_READ = 'No previous running command to retrieve logs from.';
export const NOTHING_TO_TYPE_INTO = 'No previous running command to interact with.';
export const PREVIOUS_OUTPUT = '[Below is the output of the previous command.]\n';
export const RESET_DONE =
  'Terminal session has been reset. All previous environment variables and session state have been cleared.';
export const RESET_WITH_INPUT = 'Cannot use reset=True with is_input=True';

const HOW_TO_CONTINUE =
  "You may wait longer to see additional output by sending empty command '', send other commands to interact with the " +
  'current process, send keys ("C-c", "C-z", "C-d") to interrupt/kill the previous command before sending your new ' +
  'command, or use the timeout parameter in terminal for future commands.';

/** The text behind the output, depending on how watching ended. `limits` are in seconds. */
export function outcomeSuffix(
  outcome: Exclude<CommandReport['outcome'], 'ended'>,
  exitCode: number,
  sent: string,
  limits: { quiet: number; timeout?: number },
): string {
  if (outcome === 'quiet') {
    return `\n[The command has no new output after ${limits.quiet} seconds. ${HOW_TO_CONTINUE}]`;
  }
  if (outcome === 'timeout') {
    return `\n[The command timed out after ${decimal(limits.timeout ?? 0)} seconds. ${HOW_TO_CONTINUE}]`;
  }
  const letter = controlLetter(sent);
  const key = letter ? ` CTRL+${letter} was sent.` : '';
  return `\n[The command completed with exit code ${exitCode}.${key}]`;
}

/** The text for a command that was sent while another one is running. */
export function notExecutedSuffix(command: string): string {
  return (
    `\n[Your command "${command}" is NOT executed. The previous command is still running - You CANNOT send new commands ` +
    'until the previous command is completed. By setting `is_input` to `true`, you can interact with the current ' +
    `process: ${HOW_TO_CONTINUE}]`
  );
}

/** The text before output whose beginning was dropped. */
export function droppedOutputPrefix(remainingLines: number): string {
  return `[Previous command outputs are truncated. Showing the last ${remainingLines} lines of the output below.]\n`;
}

/** The text for several commands in one call. */
export function severalCommands(commands: readonly string[]): string {
  const list = commands.map((command, index) => `(${index + 1}) ${command}`).join('\n');
  return (
    'Cannot execute multiple commands at once.\n' +
    `Please run each command separately OR chain them into a single command via && or ;\nProvided commands:\n${list}`
  );
}

/** The text after a command that ended the shell. */
export function shellEnded(exitCode: number): string {
  return (
    `The terminal session was reset because the shell ended (exit code ${exitCode}) while running the previous command. ` +
    'This often happens when a command terminates the persistent shell, for example by ending with a top-level `exit` ' +
    'such as `exit $code`. The next command runs in a new shell; environment variables and session state are gone. ' +
    'Avoid top-level `exit` in future terminal commands; use a non-shell-exiting status check like ' +
    '`test "$code" -eq 0` or conditional shell logic instead. Please rerun any needed command.'
  );
}

/** The remaining output of an earlier command, shown with the result of the next one. */
export function earlierOutput(exitCode: number, output: string): string {
  const end = `[The previous command completed with exit code ${exitCode}.]\n[Below is the output of the new command.]\n`;
  return output === '' ? end : `${PREVIOUS_OUTPUT}${output}\n${end}`;
}

/** Most of what a person has seen that the agent is told (characters). */
const TAKEOVER_LENGTH = 2000;

/** The text before the first result after a person has used the terminal. */
export function takenOver({ output, hasEndedProgram, hasEndedShell }: TakeoverReport): string {
  const facts = [
    'While you were paused, a person used this terminal. Its directory and variables may have changed.',
    ...(hasEndedShell ? ['The shell has ended; the next command runs in a new one.'] : []),
    ...(hasEndedProgram ? ['A program that the person had left running was ended.'] : []),
  ].join(' ');
  if (output.trim() === '') return `[${facts}]`;
  const shown = truncateMiddle(output.trim(), TAKEOVER_LENGTH);
  return `[${facts} This is what was shown:]\n${shown}\n[End of what the person did.]`;
}

const NESTED_LIST = /^\[\[['"]/;
const LIST = /^\[['"{]/;
const DICT = /^\{['"]/;
const EXCERPT_LENGTH = 60;

/** The refusal of a command that is a data structure, as some models send it; else undefined. */
export function literalRefusal(command: string): string | undefined {
  const text = command.trim();
  const type = NESTED_LIST.test(text)
    ? 'nested list'
    : LIST.test(text)
      ? 'list'
      : DICT.test(text)
        ? 'dict'
        : undefined;
  if (!type) return undefined;
  return (
    `[Tool-argument error] The \`command\` argument looks like a Python/JSON ${type} literal, not a shell command. ` +
    `It starts with: ${pythonRepr(text.slice(0, EXCERPT_LENGTH))}\n\n` +
    'The `terminal` tool runs exactly ONE shell command at a time. To pass structured data or multi-line code:\n' +
    '  - Write a script first with `file_editor` (command="create", path="/srv/run.py", ...), then invoke it: `python /srv/run.py`.\n' +
    "  - Or use a heredoc inline, e.g.:\n        python - <<'EOF'\n        DATABASES = {'default': {...}}\n" +
    '        # your code here\n        EOF\n\n' +
    'Do not put a Python list/dict literal into the `command` field; the shell cannot interpret it.'
  );
}

/** Formats a float as Python does. */
function decimal(seconds: number): string {
  return Number.isInteger(seconds) ? `${seconds}.0` : String(seconds);
}
