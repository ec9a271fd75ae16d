import { randomBytes } from 'node:crypto';
import { utcTimestamp } from '../events/clock.js';

/** A command that a client has started. Keys in the order of the wire. */
export interface BashCommand {
  command: string;
  /** Null: the folder of the server. */
  cwd: string | null;
  /** Seconds. */
  timeout: number;
  /** 32 hex digits. */
  id: string;
  timestamp: string;
  kind: 'BashCommand';
}

/** Output of a command; the one with an exit code is its last. */
export interface BashOutput {
  id: string;
  timestamp: string;
  command_id: string;
  /** Counts the outputs of one command from 0. */
  order: number;
  /**
   * Negative: the signal that ended it; -1 also for a timeout and for a command that could not be started.
   */
  exit_code: number | null;
  stdout: string | null;
  stderr: string | null;
  kind: 'BashOutput';
}

/** What is kept in a history and sent to sockets. */
export type BashEvent = BashCommand | BashOutput;

/** Complains about a frame of a socket; never kept. */
export interface BashError {
  id: string;
  timestamp: string;
  code: string;
  detail: string;
  kind: 'BashError';
}

/** What a client wants to have run. */
export interface BashRequest {
  command: string;
  cwd: string | null;
  /** Seconds; 0 or less ends it before it begins. */
  timeout: number;
  /** Output becomes an event as it comes, instead of when the command ends or there is a megabyte of it. */
  stream: boolean;
}

/** A new id: 32 hex digits. */
export function bashId(): string {
  return randomBytes(16).toString('hex');
}

/** Microseconds since the epoch of such a timestamp. */
export function microsOf(timestamp: string): number {
  return Date.parse(`${timestamp.slice(0, 19)}Z`) * 1000 + Number(timestamp.slice(20, 26));
}

/** A complaint about a frame. */
export function bashError(code: string, detail: string): BashError {
  return { id: bashId(), timestamp: utcTimestamp(), code, detail, kind: 'BashError' };
}
