import type { LogEntry, Severity } from './log-entry.js';

/** Most lines that are kept; the oldest are dropped. */
const MAX_LINES = 500;
/** Longer messages and stacks are cut (UTF-16 units), so that all lines take a few megabytes at most. */
const MAX_TEXT = 4000;

/** A line of the log with a warning or an error. */
export interface Problem {
  /** Numbers the lines of this process from 1. */
  seq: number;
  /** UTC, ISO 8601 with milliseconds. */
  time: string;
  level: ProblemLevel;
  context: string;
  message: string;
  stack: string | null;
  request_id: string | null;
  conversation_id: string | null;
}

/** The severities of warnings and errors. */
export type ProblemLevel = 'warn' | 'error' | 'fatal';

/** Which lines to return. */
export interface ProblemFilter {
  /** The least severe level. */
  level: 'warn' | 'error';
  limit: number;
  /** Only lines from this time on (UTC, ISO 8601). */
  since: string | undefined;
}

/** Keeps the last warnings and errors of this process, also those below the level of the log. */
export class RecentProblems {
  private readonly lines: Problem[] = [];
  private total = 0;

  /** Number of lines since the start of the process. */
  get seen(): number {
    return this.total;
  }

  /** Number of lines that are kept. */
  get kept(): number {
    return this.lines.length;
  }

  /** Keeps a line if it is a warning or an error. */
  add(entry: LogEntry): void {
    if (!isProblem(entry.level)) return;
    this.total += 1;
    this.lines.push({
      seq: this.total,
      time: entry.time,
      level: entry.level,
      context: cut(entry.context),
      message: cut(entry.message),
      stack: entry.stack === undefined ? null : cut(entry.stack),
      request_id: entry.request_id ?? null,
      conversation_id: entry.conversation_id ?? null,
    });
    if (this.lines.length > MAX_LINES) this.lines.shift();
  }

  /** The last lines that match, oldest first. */
  last({ level, limit, since }: ProblemFilter): Problem[] {
    return this.lines
      .filter(
        (line) => (level === 'warn' || line.level !== 'warn') && (since === undefined || line.time >= since),
      )
      .slice(-limit);
  }
}

/** Those of this process. */
export const recentProblems = new RecentProblems();

/** Whether lines of this level are kept. */
export function isProblem(level: Severity): level is ProblemLevel {
  return level === 'warn' || level === 'error' || level === 'fatal';
}

/** A copy: a slice would keep the whole text in memory. */
function cut(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  const start = Buffer.from(text.slice(0, MAX_TEXT)).toString();
  return `${start}... (${text.length - MAX_TEXT} more characters)`;
}
