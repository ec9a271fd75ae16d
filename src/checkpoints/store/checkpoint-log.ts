import fs from 'node:fs';
import { readFile, truncate } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, replaceFile, undefinedIfMissing } from '../../files/index.js';
import { isJsonObject, tryParseJson } from '../../json/index.js';
import type { Checkpoint, FileVersion, RestoreScope } from '../version.js';

/** The log in the folder of the checkpoints. */
export const STEPS_FILE = 'steps.jsonl';
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** A step that has begun. */
export interface BegunStep {
  eventId: string | null;
  tool: string;
  /** UTC. */
  startedAt: string;
  /** The files that it names, before it; null: a command, which may change any. */
  files: readonly { path: string; before: FileVersion | null }[] | null;
}

/** A file that a restore changes. */
export interface PlannedFile {
  path: string;
  /** What is there. */
  from: FileVersion | null;
  to: FileVersion | null;
}

/** A restore that has begun. */
export interface BegunRestore {
  scope: RestoreScope;
  /** Id of the message that will tell the agent. */
  messageId: string;
  /** UTC. */
  startedAt: string;
  /** Part of the names of its temporary files. */
  mark: string;
  files: readonly PlannedFile[];
}

type Entry =
  | ({ t: 'begin' } & BegunStep)
  | ({ t: 'restore' } & BegunRestore)
  | ({ t: 'step' } & Checkpoint)
  /** The steps up to this number were dropped. */
  | { t: 'dropped'; number: number };

/**
 * The checkpoints of a conversation: a line for the begin of a step, and one for what it has done. A line
 * that a crash has cut off is dropped when the file is opened.
 */
export class CheckpointLog {
  readonly steps: Checkpoint[] = [];
  /** Begun and not ended when the file was opened: the server ended before they did. */
  readonly begun: BegunStep[] = [];
  restore: BegunRestore | undefined;
  /** How many of the oldest steps were dropped. */
  dropped = 0;
  private bytes = 0;

  private constructor(
    private readonly folder: string,
    private exists: boolean,
  ) {}

  /** Opens the checkpoints in a folder that need not exist. */
  static async open(folder: string): Promise<CheckpointLog> {
    const file = path.join(folder, STEPS_FILE);
    const content = await readFile(file).catch(undefinedIfMissing);
    const log = new CheckpointLog(folder, content !== undefined);
    const end = (content?.lastIndexOf(10) ?? -1) + 1;
    if (content && end < content.length) await truncate(file, end);
    const lines = content?.toString('utf8', 0, end).split('\n') ?? [];
    for (const line of lines) if (line !== '') log.read(line);
    log.bytes = end;
    return log;
  }

  /** The number of the last step; 0 without one. */
  get last(): number {
    return this.steps.at(-1)?.number ?? this.dropped;
  }

  get size(): number {
    return this.bytes;
  }

  begin(step: BegunStep): Promise<void> {
    return this.append({ t: 'begin', ...step });
  }

  async beginRestore(restore: BegunRestore): Promise<void> {
    await this.append({ t: 'restore', ...restore });
  }

  /** A step has ended. One without a number has changed nothing: only that it has ended is recorded. */
  end(step: Checkpoint): Promise<void> {
    return this.append({ ...step, t: 'step' });
  }

  /** Drops the oldest steps up to a number, and what was begun and has ended. */
  async drop(number: number): Promise<void> {
    const kept = this.steps.filter((step) => step.number > number);
    const entries: Entry[] = [
      { t: 'dropped', number },
      ...kept.map((step) => ({ t: 'step' as const, ...step })),
    ];
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    await replaceFile(path.join(this.folder, STEPS_FILE), text, { mode: FILE_MODE });
    this.steps.splice(0, this.steps.length, ...kept);
    this.dropped = number;
    this.bytes = Buffer.byteLength(text);
  }

  private async append(entry: Entry): Promise<void> {
    if (!this.exists) await makeFolder(this.folder, FOLDER_MODE);
    this.exists = true;
    const line = `${JSON.stringify(entry)}\n`;
    // Synchronous: a round trip to a thread costs more, and the tool waits.
    fs.appendFileSync(path.join(this.folder, STEPS_FILE), line, { mode: FILE_MODE });
    this.bytes += Buffer.byteLength(line);
    this.apply(entry);
  }

  private read(line: string): void {
    const entry = tryParseJson(line);
    if (!isEntry(entry)) return;
    const { t, ...step } = entry;
    if (t === 'begin') this.begun.push(step as BegunStep);
    this.apply(entry);
  }

  private apply(entry: Entry): void {
    if (entry.t === 'dropped') this.dropped = entry.number;
    if (entry.t === 'restore') this.restore = entry;
    if (entry.t !== 'step') return;
    if (entry.restore) this.restore = undefined;
    const at = this.begun.findIndex(({ eventId }) => eventId === entry.eventId);
    if (at !== -1) this.begun.splice(at, 1);
    const { t: _t, ...step } = entry;
    if (step.changes.length + step.incomplete.length > 0) this.steps.push(step);
  }
}

/** Only the server writes these lines: their fields need no check. */
function isEntry(value: unknown): value is Entry {
  return isJsonObject(value) && typeof value['t'] === 'string';
}
