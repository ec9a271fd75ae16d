import type { ToolAnnotations } from '../../events/index.js';
import type { ToolSchema } from '../tool.js';

/** The tool's description for models. */
export const TERMINAL_DESCRIPTION = `Execute a shell command in the terminal within a persistent shell session.

### Command execution
* One command at a time. Chain several with \`&&\` or \`;\` in one call. The session is a bash that stays: the
* working directory, variables, functions and virtual environments last from one call to the next. Bash runs
* in a real terminal, without a person in front of it: pagers are off, and programs may ask questions that you
* answer as described below.

### Running commands
* A call returns when the command ends. If it prints nothing for a while (30 seconds unless configured
* otherwise), the call returns too, with exit code \`-1\`: the command still runs. While a command runs you
* can:
  - send an empty \`command\` to wait for more output,
  - set \`is_input\` to \`true\` and send text, which is typed into it with a line end,
  - send a key: \`C-c\`, \`C-d\`, \`C-z\` or another control key, \`UP\`, \`DOWN\`, \`LEFT\`, \`RIGHT\`, \`HOME\`, \`END\`, \`PGUP\`, \`PGDN\`, \`TAB\`, \`ESC\`, \`BS\`, \`ENTER\`.
* For a command that takes long and is silent (builds, downloads, test suites) set \`timeout\`. It limits the
* wait and never kills the command. Start servers and other programs that do not end in the background, with
* their output in a file: \`python3 app.py > server.log 2>&1 &\`.

### Good habits
* Look before you write: check that a directory exists before you create files in it. Use absolute paths, and
* quote paths with spaces. Do not end the shell itself (\`exit\`), and avoid \`set -e\` outside of scripts: a
* failing command would end the session.

### Output
* Output is cut in the middle when it is very long; the complete text is then saved to a file that the answer
* names.

### Reset
* If the terminal does not answer any more, set \`reset\` to \`true\`: the session starts anew in the original
* working directory, and its variables are gone. It cannot be combined with \`is_input\`.`;

/** The schema of the arguments. */
export const TERMINAL_SCHEMA: ToolSchema = {
  type: 'object',
  properties: {
    command: {
      type: 'string',
      description:
        'The shell command to execute. Can be empty string to view additional logs when the previous exit code is `-1`. ' +
        'Can be a key such as `C-c` to act on the running command.',
    },
    is_input: {
      type: 'boolean',
      description:
        'If True, the command is an input to the running process. If False, the command is executed in the terminal ' +
        'session. Default is False.',
      default: false,
    },
    timeout: {
      type: 'number',
      description:
        'Optional. Sets a maximum time limit (in seconds) for running the command. If the command takes longer than this ' +
        'limit, you get what it printed so far and decide whether to wait on or to interrupt it.',
      minimum: 0,
    },
    reset: {
      type: 'boolean',
      description:
        'If True, reset the terminal by creating a new session. Use this only when the terminal becomes unresponsive. ' +
        'Note that all variables and the state of the session are lost. Cannot be used with is_input.',
      default: false,
    },
  },
  required: ['command'],
};

/** The worst case, because a command can do anything. */
export const TERMINAL_ANNOTATIONS: ToolAnnotations = {
  title: 'terminal',
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
};
