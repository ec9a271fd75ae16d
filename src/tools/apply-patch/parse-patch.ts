import { PatchError } from './patch-error.js';

/** What a patch does to one file. Paths are as the patch has them. */
export type FilePatch =
  | { type: 'add'; path: string; content: string }
  | { type: 'delete'; path: string }
  | { type: 'update'; path: string; moveTo: string | undefined; hunks: Hunk[] };

/** Lines that follow each other in the file, and what becomes of them. */
export interface Hunk {
  /** Lines somewhere above it, in their order: where to begin to look. */
  anchors: string[];
  lines: HunkLine[];
  /** It is at the end of the file. */
  atEnd: boolean;
}

/** A line of a hunk: one that stays, one that goes, or one that comes. */
export interface HunkLine {
  kind: ' ' | '-' | '+';
  text: string;
}

const BEGIN = '*** Begin Patch';
const END = '*** End Patch';
const ADD = '*** Add File: ';
const UPDATE = '*** Update File: ';
const DELETE = '*** Delete File: ';
const MOVE = '*** Move to: ';
const END_OF_FILE = '*** End of File';

/**
 * Reads a patch in the format of OpenAI's models: `*** Begin Patch`, a section for each file, `*** End
 * Patch`. Nothing is looked up: whether it fits is seen when it is applied.
 * @throws PatchError
 */
export function parsePatch(text: string): FilePatch[] {
  const lines = text.trim().replaceAll('\r\n', '\n').split('\n');
  if (lines[0]?.trim() !== BEGIN) throw new PatchError(`Invalid patch: must start with '${BEGIN}'`);
  if (lines.length < 2 || lines.at(-1)?.trim() !== END) {
    throw new PatchError(`Invalid patch text: must end with '${END}'`);
  }
  const reader = new LineReader(lines.slice(1, -1));
  const patches: FilePatch[] = [];
  while (!reader.atEnd) patches.push(readFile(reader));
  refuseDoubled(patches);
  return patches;
}

/** The paths that a patch names, without reading the rest of it. */
export function patchedPaths(text: string): string[] {
  const names = [ADD, UPDATE, DELETE, MOVE];
  return text.split('\n').flatMap((line) => {
    const keyword = names.find((name) => line.startsWith(name));
    return keyword === undefined ? [] : [line.slice(keyword.length).trim()];
  });
}

class LineReader {
  private at = 0;
  constructor(private readonly lines: readonly string[]) {}

  get atEnd(): boolean {
    return this.at >= this.lines.length;
  }
  get current(): string {
    return this.lines[this.at] ?? '';
  }
  next(): string {
    const line = this.current;
    this.at++;
    return line;
  }
  /** What follows a keyword, if the line begins with it. */
  take(keyword: string): string | undefined {
    if (this.atEnd || !this.current.startsWith(keyword)) return undefined;
    return this.next().slice(keyword.length).trim();
  }
  /** The section of a file goes on. */
  get inSection(): boolean {
    return !this.atEnd && (!this.current.startsWith('*** ') || this.current.startsWith(END_OF_FILE));
  }
}

function readFile(reader: LineReader): FilePatch {
  const added = reader.take(ADD);
  if (added !== undefined) return { type: 'add', path: named(added), content: readContent(reader) };
  const deleted = reader.take(DELETE);
  if (deleted !== undefined) return { type: 'delete', path: named(deleted) };
  const updated = reader.take(UPDATE);
  if (updated === undefined) throw new PatchError(`Unknown Line: ${reader.current}`);
  const moveTo = reader.take(MOVE);
  const hunks: Hunk[] = [];
  while (reader.inSection) hunks.push(readHunk(reader));
  return {
    type: 'update',
    path: named(updated),
    moveTo: moveTo === undefined ? undefined : named(moveTo),
    hunks,
  };
}

function named(file: string): string {
  if (file === '' || file.includes('\0')) throw new PatchError('Invalid patch: a file has no name');
  return file;
}

function readContent(reader: LineReader): string {
  const lines: string[] = [];
  while (reader.inSection) {
    const line = reader.next();
    if (!line.startsWith('+')) throw new PatchError(`Invalid Add File Line: ${line}`);
    lines.push(line.slice(1));
  }
  return lines.join('\n');
}

function readHunk(reader: LineReader): Hunk {
  const anchors: string[] = [];
  while (reader.inSection && /^@@( |$)/.test(reader.current)) {
    const anchor = reader.next().slice(3);
    if (anchor.trim() !== '') anchors.push(anchor);
  }
  const lines: HunkLine[] = [];
  while (reader.inSection && !reader.current.startsWith('@@')) {
    if (reader.take(END_OF_FILE) !== undefined) return { anchors, lines, atEnd: true };
    lines.push(hunkLine(reader.next()));
  }
  if (lines.length === 0 && reader.inSection) throw new PatchError(`Invalid Line: ${reader.current}`);
  return { anchors, lines, atEnd: false };
}

function hunkLine(line: string): HunkLine {
  // Models leave the space of an empty line away.
  if (line === '') return { kind: ' ', text: '' };
  const [kind] = line;
  if (kind !== ' ' && kind !== '-' && kind !== '+') throw new PatchError(`Invalid Line: ${line}`);
  return { kind, text: line.slice(1) };
}

function refuseDoubled(patches: readonly FilePatch[]): void {
  const seen = new Set<string>();
  for (const { path } of patches) {
    if (seen.has(path)) {
      throw new PatchError(`Duplicate Path: ${path}. Put all hunks of a file into one section.`);
    }
    seen.add(path);
  }
}
