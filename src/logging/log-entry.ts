import { escapedCharacter, printable } from '../text/index.js';

/** The severity of a line. Nest's `verbose` is `debug`. */
export type Severity = 'fatal' | 'error' | 'warn' | 'info' | 'debug';

/** One line of the log before it is formatted. */
export interface LogEntry {
  /** UTC, ISO 8601 with milliseconds. */
  time: string;
  level: Severity;
  /** The part of the server that logs it. */
  context: string;
  message: string;
  request_id?: string;
  conversation_id?: string;
  /** Further searchable fields; only in the JSON format. */
  fields?: Readonly<Record<string, unknown>>;
  /** The stack of an error. */
  stack?: string;
}

/** An entry as one line of JSON. All characters that a reader could interpret as a line end are escaped. */
export function jsonLine({ fields, stack, ...entry }: LogEntry): string {
  const text = JSON.stringify({ ...entry, ...fields, stack });
  return LINE_ENDS.test(text) ? text.replaceAll(LINE_ENDS_ALL, escapedCharacter) : text;
}

const LINE_ENDS = /[\x7f-\x9f\u2028\u2029]/;
const LINE_ENDS_ALL = new RegExp(LINE_ENDS, 'g');

/** An entry as text for people. Control characters are escaped; a stack follows, indented. */
export function textLine(entry: LogEntry, colors: boolean): string {
  const { time, level, context, message, request_id, stack } = entry;
  const paint = (code: number, text: string) => (colors ? `\x1b[${code}m${text}\x1b[0m` : text);
  const head = [
    paint(2, time.replace('T', ' ').replace('Z', '')),
    paint(COLORS[level], level.toUpperCase().padEnd(5)),
    paint(36, `[${printable(context)}]`),
    printable(message),
  ].join(' ');
  const request = request_id === undefined ? '' : paint(2, ` (request ${request_id})`);
  const trace = stack === undefined ? [] : stack.split('\n').map((line) => `\n    ${printable(line)}`);
  return `${head}${request}${trace.join('')}`;
}

const COLORS: Record<Severity, number> = { fatal: 31, error: 31, warn: 33, info: 32, debug: 35 };
