import type { FileUse } from './span.js';

/** A file that the agent's tools have used. */
export interface TouchedFile {
  path: string;
  reads: number;
  writes: number;
  last_operation: FileUse['operation'];
  /** The action that used it last. */
  last_event_id: string;
  /** Milliseconds since the epoch. */
  last_at: number;
}

/** Beyond this, those that were not used for the longest time are left out. */
const MAX_FILES = 2_000;

/** The files that finished tool calls have named, the last used last. */
export class TouchedFiles {
  private readonly files = new Map<string, TouchedFile>();
  /** Files were left out. */
  truncated = false;

  add({ path, operation }: FileUse, eventId: string, at: number): void {
    const known = this.files.get(path);
    this.files.delete(path);
    this.files.set(path, {
      path,
      reads: (known?.reads ?? 0) + (operation === 'read' ? 1 : 0),
      writes: (known?.writes ?? 0) + (operation === 'read' ? 0 : 1),
      last_operation: operation,
      last_event_id: eventId,
      last_at: at,
    });
    const [oldest] = this.files.keys();
    if (this.files.size <= MAX_FILES || oldest === undefined) return;
    this.files.delete(oldest);
    this.truncated = true;
  }

  /** Last used first. */
  list(): TouchedFile[] {
    return [...this.files.values()].reverse();
  }
}
