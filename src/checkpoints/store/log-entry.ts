import { isJsonObject, tryParseJson } from '../../json/index.js';
import { isFilePath } from '../tree/workspace-path.js';
import type { Checkpoint, FileChange, FileVersion, RestoreScope } from '../version.js';

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
  /** Part of the names of its temporary files: letters, digits and dashes. */
  mark: string;
  files: readonly PlannedFile[];
}

/** A line of the log. */
export type LogEntry =
  | ({ t: 'begin' } & BegunStep)
  | ({ t: 'restore' } & BegunRestore)
  | ({ t: 'step' } & Checkpoint)
  /** The steps up to this number were dropped. */
  | { t: 'dropped'; number: number };

const MARK = /^[\w-]{1,40}$/;
const HASH = /^[0-9a-f]{64}$/;

/**
 * Reads a line of the log. The folder of a conversation may come from elsewhere, by an import.
 * @returns undefined for what is none
 */
export function readEntry(line: string): LogEntry | undefined {
  const entry = tryParseJson(line);
  return isEntry(entry) ? entry : undefined;
}

function isEntry(value: unknown): value is LogEntry {
  if (!isJsonObject(value)) return false;
  switch (value['t']) {
    case 'begin':
      return isStep(value) && (value['files'] === null || isList(value['files'], isNamedFile));
    case 'restore':
      return isRestore(value);
    case 'step':
      return isStep(value) && isCheckpoint(value);
    case 'dropped':
      return isCount(value['number']);
    default:
      return false;
  }
}

function isStep({ eventId, tool, startedAt }: Record<string, unknown>): boolean {
  return (eventId === null || isText(eventId)) && isText(tool) && isText(startedAt);
}

function isCheckpoint(value: Record<string, unknown>): boolean {
  const { number, endedAt, changes, incomplete, restore } = value;
  if (!isCount(number) || !isText(endedAt) || (restore !== undefined && !isScope(restore))) return false;
  return isList(changes, isChange) && isList(incomplete, isProblem);
}

function isRestore({ scope, messageId, startedAt, mark, files }: Record<string, unknown>): boolean {
  if (!isScope(scope) || !isText(messageId) || !isText(startedAt)) return false;
  return isText(mark) && MARK.test(mark) && isList(files, isPlanned);
}

function isScope(value: unknown): value is RestoreScope {
  if (!isJsonObject(value) || !isCount(value['step'])) return false;
  const { mode, paths } = value;
  return (mode === 'since' || mode === 'only') && (paths === null || isList(paths, isText));
}

function isNamedFile(value: unknown): boolean {
  return isJsonObject(value) && isPath(value['path']) && isVersion(value['before']);
}

function isPlanned(value: unknown): value is PlannedFile {
  return isJsonObject(value) && isPath(value['path']) && isVersion(value['from']) && isVersion(value['to']);
}

function isChange(value: unknown): value is FileChange {
  return isNamedFile(value) && isJsonObject(value) && isVersion(value['after']);
}

function isProblem(value: unknown): boolean {
  return isJsonObject(value) && isText(value['reason']) && isText(value['detail']);
}

function isVersion(value: unknown): value is FileVersion | null {
  if (value === null) return true;
  if (!isJsonObject(value) || !isCount(value['size']) || !isCount(value['mode'])) return false;
  const { kind, hash } = value;
  return (kind === 'file' || kind === 'link') && (hash === null || (isText(hash) && HASH.test(hash)));
}

function isList(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isPath(value: unknown): value is string {
  return isText(value) && isFilePath(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
