import fs, { constants } from 'node:fs';
import path from 'node:path';
import { inSlices } from '../../flow/index.js';
import {
  makeFolder,
  openPlainFile,
  PLAIN,
  readPlainBytes,
  replaceFile,
  undefinedIfMissing,
  syncPlainFile,
} from '../../files/index.js';
import type { Checkpoint } from '../version.js';
import { readEntry, type BegunRestore, type BegunStep, type LogEntry } from './log-entry.js';

/** The log in the folder of the checkpoints. */
export const STEPS_FILE = 'steps.jsonl';
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** Neither follows a link nor waits for a pipe. The type of the option knows no numbers. */
const APPEND = (constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | PLAIN) as unknown as string;
/** A log is not written anew for fewer bytes. */
const MIN_WASTE = 64 * 1024;
/** Bytes of lines that are written at once. */
const CHUNK = 64 * 1024;

/**
 * The checkpoints of a conversation: a line for the begin of a step, and one for what it has done. A line
 * that a crash has cut off is dropped when the file is opened. Lines that say nothing any more, those of
 * steps that have changed nothing, are removed when they take half of the file.
 */
export class CheckpointLog {
  readonly steps: Checkpoint[] = [];
  /** Begun and not ended. When the file is opened: the server ended before they did. */
  readonly begun: BegunStep[] = [];
  restore: BegunRestore | undefined;
  /** How many of the oldest steps were dropped. */
  dropped = 0;
  private bytes = 0;
  /** Of them, bytes of lines that say something. */
  private needed = 0;

  private constructor(
    private readonly folder: string,
    private exists: boolean,
  ) {}

  /** Opens the checkpoints in a folder that need not exist. */
  static async open(folder: string): Promise<CheckpointLog> {
    const file = path.join(folder, STEPS_FILE);
    const content = await readPlainBytes(file).catch(undefinedIfMissing);
    const log = new CheckpointLog(folder, content !== undefined);
    if (!content) return log;
    const end = content.lastIndexOf(10) + 1;
    if (end < content.length) await cut(file, end);
    await inSlices(log.read(content.subarray(0, end)));
    log.bytes = end;
    return log;
  }

  /** The number of the last step; 0 without one. */
  get last(): number {
    return this.steps.at(-1)?.number ?? this.dropped;
  }

  /** Bytes on disk. */
  get size(): number {
    return this.bytes;
  }

  begin(step: BegunStep): Promise<void> {
    return this.append({ t: 'begin', ...step });
  }

  /** Resolves when a restore has begun also after a power failure. */
  async beginRestore(restore: BegunRestore): Promise<void> {
    await this.append({ t: 'restore', ...restore });
    await syncPlainFile(path.join(this.folder, STEPS_FILE));
  }

  /** A step has ended. Of one without changes and problems only this is recorded, and its number is free. */
  async end(step: Checkpoint): Promise<void> {
    await this.append({ ...step, t: 'step' });
    if (this.bytes > 2 * this.needed + MIN_WASTE) await this.rewrite();
  }

  /** Drops the oldest steps up to a number. */
  async drop(number: number): Promise<void> {
    const dropped = this.steps.findLastIndex((step) => step.number <= number) + 1;
    this.steps.splice(0, dropped);
    this.dropped = Math.max(this.dropped, number);
    await this.rewrite();
  }

  /** Writes what is still needed. */
  private async rewrite(): Promise<void> {
    let bytes = 0;
    const counted = function* (chunks: Iterable<string>): Generator<string, void> {
      for (const chunk of chunks) {
        bytes += Buffer.byteLength(chunk);
        yield chunk;
      }
    };
    const file = path.join(this.folder, STEPS_FILE);
    const content = counted(inChunks(this.entries()));
    await replaceFile(file, content, { mode: FILE_MODE, flush: 'content' });
    this.bytes = bytes;
    this.needed = bytes;
  }

  private *entries(): Generator<LogEntry, void> {
    if (this.dropped > 0) yield { t: 'dropped', number: this.dropped };
    for (const step of this.steps) yield { ...step, t: 'step' };
    for (const step of this.begun) yield { t: 'begin', ...step };
    if (this.restore) yield { t: 'restore', ...this.restore };
  }

  private async append(entry: LogEntry): Promise<void> {
    if (!this.exists) await makeFolder(this.folder, FOLDER_MODE);
    this.exists = true;
    const line = lineOf(entry);
    const file = path.join(this.folder, STEPS_FILE);
    try {
      // Synchronous: a round trip to a thread costs more, and the tool waits.
      fs.appendFileSync(file, line, { mode: FILE_MODE, flag: APPEND });
    } catch (error) {
      // On a full disk there may be a part of the line, to which the next one would be added.
      await cut(file, this.bytes).catch(() => undefined);
      throw error;
    }
    const bytes = Buffer.byteLength(line);
    this.bytes += bytes;
    this.apply(entry, bytes);
  }

  /** Yields between lines. */
  private *read(content: Buffer): Generator<void, void> {
    for (let at = 0; at < content.length;) {
      const end = content.indexOf(10, at);
      const entry = readEntry(content.toString('utf8', at, end));
      if (entry) this.apply(entry, end + 1 - at);
      at = end + 1;
      yield;
    }
  }

  private apply(entry: LogEntry, bytes: number): void {
    switch (entry.t) {
      case 'dropped':
        this.dropped = entry.number;
        break;
      case 'begin':
        this.begun.push(withoutType(entry));
        break;
      case 'restore':
        this.restore = withoutType(entry);
        break;
      case 'step':
        this.applyEnd(withoutType(entry), bytes);
    }
  }

  private applyEnd(step: Checkpoint, bytes: number): void {
    if (step.restore) this.restore = undefined;
    const at = this.begun.findIndex(({ eventId }) => eventId === step.eventId);
    if (at !== -1) this.begun.splice(at, 1);
    if (step.changes.length + step.incomplete.length === 0) return;
    this.steps.push(step);
    this.needed += bytes;
  }
}

function withoutType<T extends LogEntry>({ t: _t, ...fields }: T): Omit<T, 't'> {
  return fields;
}

async function cut(file: string, bytes: number): Promise<void> {
  const handle = await openPlainFile(file, constants.O_WRONLY);
  try {
    await handle.truncate(bytes);
  } finally {
    await handle.close();
  }
}

function lineOf(entry: LogEntry): string {
  return `${JSON.stringify(entry)}\n`;
}

function* inChunks(entries: Iterable<LogEntry>): Generator<string, void> {
  let chunk = '';
  for (const entry of entries) {
    chunk += lineOf(entry);
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}
