import { randomBytes } from 'node:crypto';
import { utcTimestamp } from '../events/index.js';

/** A command that a client has started. The fields are in the order of the wire. */
export interface BashCommand {
  command: string;
  /** Null: the server's working directory. */
  cwd: string | null;
  /** Seconds. */
  timeout: number;
  /** 32 hex digits. */
  id: string;
  timestamp: string;
  kind: 'BashCommand';
}

/** Output of a command. The last one has an exit code. */
export interface BashOutput {
  id: string;
  timestamp: string;
  command_id: string;
  /** The number of the output within its command, from 0. */
  order: number;
  /**
   * Negative: the signal that ended the command. -1 also for a timeout and for a command that did not start.
   */
  exit_code: number | null;
  stdout: string | null;
  stderr: string | null;
  kind: 'BashOutput';
}

/** An event that is stored and sent to sockets. */
export type BashEvent = BashCommand | BashOutput;

/** An error about a frame of a socket. Never stored. */
interface BashError {
  id: string;
  timestamp: string;
  code: string;
  detail: string;
  kind: 'BashError';
}

/** A request to run a command. */
export interface BashRequest {
  command: string;
  cwd: string | null;
  /** Seconds. If 0 or less, the command is not started. */
  timeout: number;
  /** Emit output as it is produced, instead of when the command ends or after a megabyte. */
  stream: boolean;
}

/** A new id: 32 hex digits. */
export function bashId(): string {
  return randomBytes(16).toString('hex');
}

/** Converts an event's timestamp to microseconds since the epoch. */
export function toMicroseconds(timestamp: string): number {
  return Date.parse(`${timestamp.slice(0, 19)}Z`) * 1000 + Number(timestamp.slice(20, 26));
}

/** Creates an error about a frame. */
export function bashError(code: string, detail: string): BashError {
  return { id: bashId(), timestamp: utcTimestamp(), code, detail, kind: 'BashError' };
}
