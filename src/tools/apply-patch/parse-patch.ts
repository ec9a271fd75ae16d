import { PatchError } from './patch-error.js';

/** The change of one file. Paths are as written in the patch. */
export type FilePatch =
  | { type: 'add'; path: string; content: string }
  | { type: 'delete'; path: string }
  | { type: 'update'; path: string; moveTo: string | undefined; hunks: Hunk[] };

/** A change of consecutive lines. */
export interface Hunk {
  /** Lines above the hunk, in order. The search starts below them. */
  anchors: string[];
  lines: HunkLine[];
  /** Whether the hunk is at the end of the file. */
  atEnd: boolean;
}

/** A context line (space), a removed line (`-`) or an added line (`+`). */
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
 * Parses a patch in the format of OpenAI models: `*** Begin Patch`, a section for each file, `*** End Patch`.
 * Does not access files: whether the patch matches shows when it is applied.
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
  while (!reader.atEnd) patches.push(parseSection(reader));
  assertUniquePaths(patches);
  return patches;
}

/** The paths in a patch, without parsing the rest of it. */
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
  /** The text behind a keyword if the line begins with it; else undefined. */
  take(keyword: string): string | undefined {
    if (this.atEnd || !this.current.startsWith(keyword)) return undefined;
    return this.next().slice(keyword.length).trim();
  }
  /** Whether the current line belongs to the section of the current file. */
  get inSection(): boolean {
    return !this.atEnd && (!this.current.startsWith('*** ') || this.current.startsWith(END_OF_FILE));
  }
}

function parseSection(reader: LineReader): FilePatch {
  const added = reader.take(ADD);
  if (added !== undefined) return { type: 'add', path: requireName(added), content: parseContent(reader) };
  const deleted = reader.take(DELETE);
  if (deleted !== undefined) return { type: 'delete', path: requireName(deleted) };
  const updated = reader.take(UPDATE);
  if (updated === undefined) throw new PatchError(`Unknown Line: ${reader.current}`);
  const moveTo = reader.take(MOVE);
  const hunks: Hunk[] = [];
  while (reader.inSection) hunks.push(parseHunk(reader));
  return {
    type: 'update',
    path: requireName(updated),
    moveTo: moveTo === undefined ? undefined : requireName(moveTo),
    hunks,
  };
}

function requireName(file: string): string {
  if (file === '' || file.includes('\0')) throw new PatchError('Invalid patch: a file has no name');
  return file;
}

function parseContent(reader: LineReader): string {
  const lines: string[] = [];
  while (reader.inSection) {
    const line = reader.next();
    if (!line.startsWith('+')) throw new PatchError(`Invalid Add File Line: ${line}`);
    lines.push(line.slice(1));
  }
  return lines.join('\n');
}

function parseHunk(reader: LineReader): Hunk {
  const anchors: string[] = [];
  while (reader.inSection && /^@@( |$)/.test(reader.current)) {
    const anchor = reader.next().slice(3);
    if (anchor.trim() !== '') anchors.push(anchor);
  }
  const lines: HunkLine[] = [];
  while (reader.inSection && !reader.current.startsWith('@@')) {
    if (reader.take(END_OF_FILE) !== undefined) return { anchors, lines, atEnd: true };
    lines.push(parseHunkLine(reader.next()));
  }
  if (lines.length === 0 && reader.inSection) throw new PatchError(`Invalid Line: ${reader.current}`);
  return { anchors, lines, atEnd: false };
}

function parseHunkLine(line: string): HunkLine {
  // Models omit the space in front of an empty context line.
  if (line === '') return { kind: ' ', text: '' };
  const [kind] = line;
  if (kind !== ' ' && kind !== '-' && kind !== '+') throw new PatchError(`Invalid Line: ${line}`);
  return { kind, text: line.slice(1) };
}

function assertUniquePaths(patches: readonly FilePatch[]): void {
  const seen = new Set<string>();
  for (const { path } of patches) {
    if (seen.has(path)) {
      throw new PatchError(`Duplicate Path: ${path}. Put all hunks of a file into one section.`);
    }
    seen.add(path);
  }
}
