import { randomBytes } from 'node:crypto';
import { utcTimestamp } from '../events/index.js';
import type { BashRecord } from '../storage/index.js';

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

/** An event as it is stored. */
export function toRecord(event: BashEvent): BashRecord {
  const { id, kind, timestamp } = event;
  const line = JSON.stringify(event);
  if (event.kind === 'BashCommand') {
    return { id, kind, commandId: id, order: 0, timestamp, isLast: false, line };
  }
  const { command_id: commandId, order, exit_code } = event;
  return { id, kind, commandId, order, timestamp, isLast: exit_code !== null, line };
}

/** The last output of a command whose server has died. */
export function endOfDead(commandId: string, order: number): BashOutput {
  return {
    id: bashId(),
    timestamp: utcTimestamp(),
    command_id: commandId,
    order,
    exit_code: -1,
    stdout: null,
    stderr: SERVER_ENDED,
    kind: 'BashOutput',
  };
}

const SERVER_ENDED =
  'The server that ran this command has ended or was cut off from its database. The rest of the output is not known.\n';

/** Creates an error about a frame. */
export function bashError(code: string, detail: string): BashError {
  return { id: bashId(), timestamp: utcTimestamp(), code, detail, kind: 'BashError' };
}
