import type { BashRecordKind } from './bash-history.js';

/** What a page id is made of. */
interface PageStart {
  id: string;
  kind: BashRecordKind;
  /** Of an output. */
  commandId: string | undefined;
  micros: number;
}

/** Page ids have the form of the original's file names. */
export function pageIdOf({ id, kind, commandId, micros }: PageStart): string {
  const digits = new Date(Math.floor(micros / 1000)).toISOString().replace(/\D/g, '').slice(0, 14);
  const fraction = String(micros % 1_000_000).padStart(6, '0');
  return [digits + fraction, kind, ...(commandId === undefined ? [] : [commandId]), id].join('_');
}

/** Converts an event's timestamp to microseconds since the epoch. */
export function toMicroseconds(timestamp: string): number {
  return Date.parse(`${timestamp.slice(0, 19)}Z`) * 1000 + Number(timestamp.slice(20, 26));
}
