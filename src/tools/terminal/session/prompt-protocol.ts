import { Buffer } from 'node:buffer';

/**
 * How the session and its bash talk over one terminal.
 *
 * Bash runs without line editing, and `PROMPT_COMMAND` is the whole of our end in the shell. At each prompt
 * it prints a *ready* marker (exit code, directory, ...) and reads the next command itself, up to a NUL.
 * While it reads, bash has put the terminal in raw mode without echo: no line limit of the kernel (4,096
 * bytes) and no echo applies. The ready marker is the prompt of that `read`, so it is printed after the
 * switch, and nothing is sent before it is seen. The command itself is then run by a short `eval` line at the
 * normal prompt, where interactive rules hold (job control, aliases, Ctrl-C). Its first statement prints a
 * *started* marker; whatever comes before it is not output.
 *
 * Markers go to `/dev/tty`, so redirecting the shell's own output does not lose them. They are OSC sequences,
 * which terminals ignore, with a random id, so output cannot imitate one. `PROMPT_COMMAND` is exported: a
 * nested interactive bash, or one that replaces ours by `exec`, speaks the same protocol. `PS1` carries a
 * third marker for the case that a command replaced `PROMPT_COMMAND`.
 *
 * Ctrl-C can come late: the command that it was meant for has ended, and it interrupts the `read`, which may
 * have taken a part of the next command. The shell then shows a new prompt although we wait for a start, so
 * the command is sent again. Commands are numbered, so that one that was not lost after all is not run twice.
 */
const MARKER_START = '\x1b]7331;';
const MARKER_END = 0x07;
/** More than any path and name can fill; beyond it the bytes are output that merely begins like a marker. */
const MARKER_MAX_BYTES = 32 * 1024;
/** Marks the beginning of a command in the input, so that unread input of the command before is skipped. */
const COMMAND_START = '\x02';

/** What bash says of itself at a prompt. */
export interface ShellPrompt {
  exitCode: number;
  /** Process id of the last background job, -1 without one. */
  backgroundPid: number;
  username: string;
  hostname: string;
  workingDir: string;
  /** Path of `python` as a command would find it, or empty. */
  pythonPath: string;
  /** Bash's option letters (`$-`). */
  flags: string;
}

export type Marker =
  | { type: 'ready'; prompt: ShellPrompt }
  | { type: 'started' }
  /** A command came a second time and was skipped. */
  | { type: 'skipped'; sequence: number }
  /** Bash is at a prompt that `PROMPT_COMMAND` did not make, or has just left one that it did. */
  | { type: 'prompt'; exitCode: number };

/** The value of `PROMPT_COMMAND` for a session's id. Needs bash 4.4; forks nothing. */
export function promptCommand(id: string): string {
  const osc = `\\e]7331;${id};`;
  return [
    '{ __oh_s=$?; \\builtin unset MAILCHECK; \\builtin hash python || :',
    `__oh_i='\\u;\\h'; PS1=$'${osc}P;$?\\a'`,
    `__oh_p=$'${osc}R;'"$__oh_s;$-;\${!:--1};\${__oh_i@P};\${BASH_CMDS[python]-}"$'\\37'"$PWD"$'\\a'`,
    `while IFS= TMOUT= \\builtin read -rs -d '' -p "$__oh_p" __oh_c </dev/tty 2>/dev/tty; do __oh_p=`,
    `[[ $__oh_c == *$'\\2'* ]] || \\builtin continue`,
    // One after the other: bash needs quadratic time for the longest match (`##`).
    `while [[ $__oh_c == *$'\\2'* ]]; do __oh_c=\${__oh_c#*$'\\2'}; done`,
    `[[ \${__oh_c%%;*} == "\${__oh_n-}" ]] || \\builtin break`,
    `__oh_p=$'${osc}K;'$__oh_n$'\\a'; done`,
    `\\builtin printf -v __oh_c %b "\${__oh_c#*;}"; } 2>/dev/null`,
  ].join('; ');
}

/**
 * The input that runs `command` at a ready prompt.
 * @param sequence the command's number; sent twice, it is run once
 * @param last what `$?` shall be, and the option letters of the shell
 */
export function commandInput(
  id: string,
  sequence: number,
  command: string,
  last: { exitCode: number; flags: string },
): string {
  const announce = `\\builtin printf '\\033]7331;${id};S\\a' >/dev/tty`;
  // A subshell is the only way to set `$?`; under `set -e` it would end the shell.
  const first =
    last.exitCode === 0 || last.flags.includes('e')
      ? announce
      : `(${announce}; \\builtin exit ${last.exitCode}) 2>/dev/null`;
  const text = escapeForPrintf(`__oh_n=${sequence}; ${first}\n${command}`);
  return `${COMMAND_START}${sequence};${text}\0 \\builtin eval "$__oh_c"\n`;
}

/**
 * The line that gives a shell its `PROMPT_COMMAND` back; a ready marker follows. It is far below the kernel's
 * limit.
 */
export function restoreInput(id: string): string {
  return ` PROMPT_COMMAND='${promptCommand(id).replaceAll("'", `'\\''`)}'\n`;
}

/**
 * Printable ASCII stays, all else becomes `\xHH`: raw mode still acts on control characters, and locales
 * differ.
 */
function escapeForPrintf(text: string): string {
  const safe = /^[\x20-\x5b\x5d-\x7e]*$/;
  if (safe.test(text)) return text;
  let escaped = '';
  for (const byte of Buffer.from(text)) {
    const printable = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
    // Bash has no NUL in strings.
    if (printable) escaped += String.fromCharCode(byte);
    else if (byte !== 0) escaped += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return escaped;
}

/** Takes the markers of one session out of its output, wherever the chunks are cut. */
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
        const keep = this.beginningAtEnd(rest);
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

  /** How many bytes at the end could be the beginning of a marker. */
  private beginningAtEnd(bytes: Buffer): number {
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
    // A line break in a directory's name has become CRLF on the way through the terminal.
    const [type, ...fields] = body.toString().replaceAll('\r\n', '\n').split(';');
    const number = integer(fields[0]);
    if (type === 'S') this.onMarker({ type: 'started' });
    // Without a number it is no prompt but the text of the variable, printed by somebody.
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
