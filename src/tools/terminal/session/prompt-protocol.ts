import { Buffer } from 'node:buffer';

/**
 * The protocol between a session and its bash over the terminal.
 *
 * Bash runs without line editing, and `PROMPT_COMMAND` contains all our code in the shell. At each prompt it
 * prints a *ready* marker (exit code, directory, ...) and reads the next command itself, up to a NUL. While
 * it reads, bash switches the terminal to raw mode without echo, so neither the kernel's line limit (4,096
 * bytes) nor echo applies. The ready marker is the prompt of that `read`: it is printed after the switch, and
 * nothing is sent before it arrives. The command is then run by a short `eval` line at the normal prompt, so
 * that interactive rules apply (job control, aliases, Ctrl-C). Its first statement prints a *started* marker;
 * anything before it is not output.
 *
 * Markers are written to `/dev/tty`, so that redirecting the shell's own output does not affect them. They
 * are OSC sequences, which terminals ignore, with a random id, so that output cannot imitate them.
 * `PROMPT_COMMAND` is exported: a nested interactive bash, or one that replaces ours by `exec`, follows the
 * same protocol. `PS1` contains a third marker in case a command replaced `PROMPT_COMMAND`.
 *
 * Ctrl-C can be late: its command has already ended, and it interrupts the `read`, which may have consumed a
 * part of the next command. The shell then prints a new ready marker instead of *started*, and the command is
 * sent again. Commands are numbered, so that a command that was not lost is not run twice.
 */
const MARKER_START = '\x1b]7331;';
const MARKER_END = 0x07;
/** The maximum length of a marker, more than any names and paths need. Longer sequences are output. */
const MARKER_MAX_BYTES = 32 * 1024;
/** Marks the beginning of a command in the input, so that unread input of the previous command is skipped. */
const COMMAND_START = '\x02';

/** The state that bash reports at a prompt. */
export interface ShellPrompt {
  exitCode: number;
  /** Process id of the last background job; -1 if there is none. */
  backgroundPid: number;
  username: string;
  hostname: string;
  workingDir: string;
  /** Path of `python` in the shell's PATH; empty if there is none. */
  pythonPath: string;
  /** Bash's option letters (`$-`). */
  flags: string;
}

export type Marker =
  | { type: 'ready'; prompt: ShellPrompt }
  | { type: 'started' }
  /** A command arrived twice. The second one was skipped. */
  | { type: 'skipped'; sequence: number }
  /** A person who has the terminal sees a prompt. */
  | { type: 'manual' }
  /** `PS1` was printed: `PROMPT_COMMAND` was replaced, or has just finished. */
  | { type: 'prompt'; exitCode: number };

/** The value of `PROMPT_COMMAND` for a session. Requires bash 4.4. Starts no processes. */
export function promptCommand(id: string): string {
  const osc = `\\e]7331;${id};`;
  return [
    '{ __oh_s=$?; \\builtin unset MAILCHECK; \\builtin hash python || :',
    `__oh_i='\\u;\\h'; PS1=$'${osc}P;$?\\a'`,
    `__oh_p=$'${osc}R;'"$__oh_s;$-;\${!:--1};\${__oh_i@P};\${BASH_CMDS[python]-}"$'\\37'"$PWD"$'\\a'`,
    `while IFS= TMOUT= \\builtin read -rs -d '' -p "$__oh_p" __oh_c </dev/tty 2>/dev/tty; do __oh_p=`,
    `[[ $__oh_c == *$'\\2'* ]] || \\builtin continue`,
    // A loop, because the longest match (`##`) takes quadratic time in bash.
    `while [[ $__oh_c == *$'\\2'* ]]; do __oh_c=\${__oh_c#*$'\\2'}; done`,
    `[[ \${__oh_c%%;*} == "\${__oh_n-}" ]] || \\builtin break`,
    `__oh_p=$'${osc}K;'$__oh_n$'\\a'; done`,
    `\\builtin printf -v __oh_c %b "\${__oh_c#*;}"; } 2>/dev/null`,
  ].join('; ');
}

/**
 * The input that runs `command` at a ready prompt.
 * @param sequence the command's number; a command that is sent twice runs once
 * @param last the value of `$?` for the command, and the shell's option letters
 */
export function commandInput(
  id: string,
  sequence: number,
  command: string,
  last: { exitCode: number; flags: string },
): string {
  const announce = `\\builtin printf '\\033]7331;${id};S\\a' >/dev/tty`;
  // Only a subshell can set `$?`. Under `set -e` its failure would end the shell.
  const first =
    last.exitCode === 0 || last.flags.includes('e')
      ? announce
      : `(${announce}; \\builtin exit ${last.exitCode}) 2>/dev/null`;
  const text = escapeForPrintf(`__oh_n=${sequence}; ${first}\n${command}`);
  return `${COMMAND_START}${sequence};${text}\0 \\builtin eval "$__oh_c"\n`;
}

/** The input that restores `PROMPT_COMMAND`; a ready marker follows. Far below the kernel's line limit. */
export function restoreInput(id: string): string {
  return ` PROMPT_COMMAND='${promptCommand(id).replaceAll("'", `'\\''`)}'\n`;
}

/**
 * The command that gives the shell the prompt of a person. A marker tells when it is shown. The prompt
 * command is not exported: nested shells have prompts of their own.
 */
export function manualCommand(id: string): string {
  return [
    String.raw`PROMPT_COMMAND='\builtin printf "\033]7331;${id};M\a" >/dev/tty'`,
    String.raw`\builtin export -n PROMPT_COMMAND`,
    String.raw`PS1='\[\e[1;32m\]\w\[\e[0m\] \$ '`,
  ].join('; ');
}

/** The input at that prompt that turns on line editing and a history. Within `eval`, bash 5.2 crashes. */
export const LINE_EDITING_INPUT = ' \\builtin set -o emacs -o history\n';

/** The input at a person's prompt that gives the shell back to the protocol; a ready marker follows. */
export function endManualInput(id: string): string {
  const command = `'${promptCommand(id).replaceAll("'", `'\\''`)}'`;
  return ` \\builtin set +o emacs +o history; \\builtin history -c; \\builtin export PROMPT_COMMAND=${command}\n`;
}

/** Escapes all but printable ASCII, because control characters act even in raw mode and locales differ. */
function escapeForPrintf(text: string): string {
  const safe = /^[\x20-\x5b\x5d-\x7e]*$/;
  if (safe.test(text)) return text;
  let escaped = '';
  for (const byte of Buffer.from(text)) {
    const printable = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
    // Bash strings cannot contain NUL.
    if (printable) escaped += String.fromCharCode(byte);
    else if (byte !== 0) escaped += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return escaped;
}

/** Separates the markers of a session from its output, also across chunk boundaries. */
export class MarkerScanner {
  private readonly start: Buffer;
  private held: Buffer = Buffer.alloc(0);

  constructor(
    id: string,
    private readonly onText: (bytes: Buffer) => void,
    private readonly onMarker: (marker: Marker) => void,
  ) {
    this.start = Buffer.from(`${MARKER_START}${id};`);
  }

  push(chunk: Buffer): void {
    let rest = this.held.length > 0 ? Buffer.concat([this.held, chunk]) : chunk;
    this.held = Buffer.alloc(0);
    while (rest.length > 0) {
      const at = rest.indexOf(this.start);
      if (at < 0) {
        const keep = this.partialMarkerLength(rest);
        this.text(rest.subarray(0, rest.length - keep));
        this.held = rest.subarray(rest.length - keep);
        return;
      }
      this.text(rest.subarray(0, at));
      const end = rest.indexOf(MARKER_END, at + this.start.length);
      if (end < 0) {
        const open = rest.subarray(at);
        if (open.length > MARKER_MAX_BYTES) this.text(open);
        else this.held = open;
        return;
      }
      this.marker(rest.subarray(at + this.start.length, end));
      rest = rest.subarray(end + 1);
    }
  }

  /** The number of bytes at the end that could be the beginning of a marker. */
  private partialMarkerLength(bytes: Buffer): number {
    const from = Math.max(0, bytes.length - this.start.length + 1);
    const at = bytes.subarray(from).lastIndexOf(0x1b);
    if (at < 0) return 0;
    const tail = bytes.subarray(from + at);
    return this.start.subarray(0, tail.length).equals(tail) ? tail.length : 0;
  }

  private text(bytes: Buffer): void {
    if (bytes.length > 0) this.onText(bytes);
  }

  private marker(body: Buffer): void {
    // The terminal has converted line breaks in directory names to CRLF.
    const [type, ...fields] = body.toString().replaceAll('\r\n', '\n').split(';');
    const number = integer(fields[0]);
    if (type === 'S') this.onMarker({ type: 'started' });
    if (type === 'M') this.onMarker({ type: 'manual' });
    // Without a number, this is the source of the variable, printed by a command.
    if (number < 0) return;
    if (type === 'P') this.onMarker({ type: 'prompt', exitCode: number });
    if (type === 'K') this.onMarker({ type: 'skipped', sequence: number });
    if (type === 'R') this.onMarker({ type: 'ready', prompt: parsePrompt(number, fields.slice(1)) });
  }
}

function parsePrompt(exitCode: number, fields: string[]): ShellPrompt {
  const [flags = '', backgroundPid, username = '', hostname = '', ...rest] = fields;
  const [pythonPath = '', ...directory] = rest.join(';').split('\x1f');
  return {
    exitCode,
    backgroundPid: integer(backgroundPid),
    username,
    hostname,
    workingDir: directory.join('\x1f'),
    pythonPath,
    flags,
  };
}

function integer(text: string | undefined): number {
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : -1;
}
