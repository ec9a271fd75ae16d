import path from 'node:path';
import { textContent, type Content } from '../../events/index.js';
import { EditHistory } from './edit-history.js';
import { EditorError } from '../text-files/file-tool-error.js';
import { pathKind, requireAbsolute, tidyPath, type PathKind } from '../text-files/file-path.js';
import { numberLines } from './number-lines.js';
import { findUnique } from '../text-files/find-text.js';
import { foldLineEnds, SourceText, splitLines } from '../text-files/source-text.js';
import {
  decodeText,
  FileRefusedError,
  readBounded,
  readTextFile,
  writeTextFile,
  type TextFile,
} from '../text-files/text-file.js';
import { viewDirectory } from './view-directory.js';

export type EditorCommand = 'view' | 'create' | 'str_replace' | 'insert' | 'undo_edit';

/** The arguments of a call; which are needed depends on the command. */
export interface EditorRequest {
  command: EditorCommand;
  path: string;
  file_text?: string;
  old_str?: string;
  new_str?: string;
  insert_line?: number;
  view_range?: number[];
}

/** What a command did. Contents have `\n` at every line end, whatever the file has. */
export interface EditorResult {
  content: Content[];
  path: string;
  prev_exist: boolean;
  old_content?: string;
  new_content?: string;
}

const IMAGE_TYPES = new Map([
  ['.png', 'image/png'],
  ['.jpg', 'image/jpeg'],
  ['.jpeg', 'image/jpeg'],
  ['.gif', 'image/gif'],
  ['.webp', 'image/webp'],
  ['.bmp', 'image/bmp'],
]);

/** How many lines around a change are shown. */
const SNIPPET_LINES = 4;
/** How many of the lines on which a text occurs are named. */
const MAX_NAMED_LINES = 100;

const UTF8 = { name: 'utf-8', bom: false } as const;

/**
 * Views and edits files by absolute path. It is not confined to the workspace: neither is the terminal beside
 * it.
 *
 * Where it does better than the original: line ends and encodings of untouched text survive an edit; links
 * are written through, not replaced; owner and mode stay; new files get the usual mode; text inserted behind
 * a last line without an end begins a new line; line numbers behind a cut are true; the history survives a
 * restart.
 */
export class FileEditor {
  private readonly history: EditHistory;

  constructor(
    private readonly workingDir: string,
    historyFolder: string,
    /** Hides secrets in what is shown. */
    private readonly mask: (text: string) => string = (text) => text,
  ) {
    this.history = new EditHistory(historyFolder);
  }

  /**
   * Does one command.
   * @throws EditorError or FileRefusedError with the text for the model
   */
  async run(request: EditorRequest): Promise<EditorResult> {
    const file = tidyPath(request.path);
    const kind = await this.check(file, request.command);
    switch (request.command) {
      case 'view':
        return this.view(file, kind, request.view_range ?? []);
      case 'create':
        return this.create(file, request.file_text);
      case 'str_replace':
        return this.replace(file, request.old_str, request.new_str);
      case 'insert':
        return this.insert(file, request.insert_line, request.new_str);
      case 'undo_edit':
        return this.undo(file);
    }
  }

  private async check(file: string, command: EditorCommand): Promise<PathKind> {
    await requireAbsolute(file, this.workingDir);
    const kind = await pathKind(file);
    if (command === 'create') {
      if (kind === 'missing') return kind;
      const hint = `File already exists at: ${file}. Cannot overwrite files using command \`create\`.`;
      throw EditorError.invalid('path', file, hint);
    }
    if (kind === 'missing') {
      throw EditorError.invalid(
        'path',
        file,
        `The path ${file} does not exist. Please provide a valid path.`,
      );
    }
    if (kind === 'directory' && command !== 'view') {
      const hint = `The path ${file} is a directory and only the \`view\` command can be used on directories.`;
      throw EditorError.invalid('path', file, hint);
    }
    return kind;
  }

  private async view(file: string, kind: PathKind, range: readonly number[]): Promise<EditorResult> {
    const result = { path: file, prev_exist: true };
    if (kind === 'directory') {
      if (range.length > 0) {
        const hint = 'The `view_range` parameter is not allowed when `path` points to a directory.';
        throw EditorError.invalid('view_range', range, hint);
      }
      const listing = await viewDirectory(file).catch((error: unknown) => {
        throw EditorError.fileSystem(error, 'read', file);
      });
      return { content: [textContent(listing)], ...result };
    }
    const imageType = IMAGE_TYPES.get(path.extname(file).toLowerCase());
    if (imageType) return { content: await viewImage(file, imageType), ...result };
    const { raw } = await reading(file, readTextFile);
    const lines = splitLines(foldLineEnds(raw));
    return { content: [textContent(viewLines(file, lines, range, this.mask))], ...result };
  }

  private async create(file: string, text: string | undefined): Promise<EditorResult> {
    if (text === undefined) throw EditorError.missing('file_text', 'create');
    await this.write(file, text, UTF8);
    // The new text is a state to go back to.
    await this.history.push(file, Buffer.from(text));
    return {
      content: [textContent(`File created successfully at: ${file}`)],
      path: file,
      prev_exist: false,
      new_content: text,
    };
  }

  private async replace(file: string, oldText?: string, newText?: string): Promise<EditorResult> {
    if (oldText === undefined) throw EditorError.missing('old_str', 'str_replace');
    if (newText === undefined) throw EditorError.missing('new_str', 'str_replace');
    if (oldText === newText) {
      const hint = 'No replacement was performed. `new_str` and `old_str` must be different.';
      throw EditorError.invalid('new_str', newText, hint);
    }
    const before = await reading(file, readTextFile);
    const source = new SourceText(before.raw);
    const place = findUnique(source.text, foldLineEnds(oldText));
    if (place.kind === 'missing') {
      throw new EditorError(
        `No replacement was performed, old_str \`${place.searched}\` did not appear verbatim in ${file}.`,
      );
    }
    if (place.kind === 'ambiguous') {
      throw new EditorError(
        `No replacement was performed. Multiple occurrences of old_str \`${place.searched}\` ` +
          `in lines ${nameLines(place.lines)}. Please ensure it is unique.`,
      );
    }
    const edited = source.splice(place.start, place.end, newText);
    const added = newText.split('\n').length - 1;
    const snippet = showAround(edited.lines, place.line, place.line + added, this.mask);
    return this.save(
      file,
      before,
      source,
      edited,
      `The file ${file} has been edited. Here's the result of running \`cat -n\` on a snippet of ${file}:\n${snippet}` +
        'Review the changes and make sure they are as expected. Edit the file again if necessary.',
    );
  }

  private async insert(file: string, line?: number, text?: string): Promise<EditorResult> {
    if (line === undefined) throw EditorError.missing('insert_line', 'insert');
    if (text === undefined) throw EditorError.missing('new_str', 'insert');
    const before = await reading(file, readTextFile);
    const source = new SourceText(before.raw);
    const { lines } = source;
    if (line < 0 || line > lines.length) {
      const hint = `It should be within the range of allowed values: [0, ${lines.length}]`;
      throw EditorError.invalid('insert_line', line, hint);
    }
    const at = lines.slice(0, line).reduce((offset, above) => offset + above.length + 1, 0);
    const joins = at > source.text.length;
    const edited = source.splice(
      Math.min(at, source.text.length),
      Math.min(at, source.text.length),
      `${joins ? '\n' : ''}${text}\n`,
    );
    const snippet = showAround(edited.lines, line, line + text.split('\n').length, this.mask);
    return this.save(
      file,
      before,
      source,
      edited,
      `The file ${file} has been edited. Here's the result of running \`cat -n\` on a snippet of the edited file:\n` +
        `${snippet}Review the changes and make sure they are as expected (correct indentation, no duplicate lines, ` +
        'etc). Edit the file again if necessary.',
    );
  }

  private async undo(file: string): Promise<EditorResult> {
    const state = await this.history.last(file);
    const earlier = state && decodeText(state);
    if (!earlier) throw new EditorError(`No edit history found for ${file}.`);
    const before = await reading(file, readTextFile);
    await this.write(file, earlier.raw, earlier.encoding);
    await this.history.drop(file);
    const content = foldLineEnds(earlier.raw);
    return {
      content: [
        textContent(
          `Last edit to ${file} undone successfully. Here's the result of running \`cat -n\` on ${file}:\n` +
            numberLines(splitLines(content), 1, this.mask),
        ),
      ],
      path: file,
      prev_exist: true,
      old_content: foldLineEnds(before.raw),
      new_content: content,
    };
  }

  private async save(
    file: string,
    before: TextFile,
    source: SourceText,
    edited: SourceText,
    message: string,
  ): Promise<EditorResult> {
    await this.history.push(file, before.bytes);
    try {
      await this.write(file, edited.raw, before.encoding);
    } catch (error) {
      await this.history.drop(file);
      throw error;
    }
    return {
      content: [textContent(message)],
      path: file,
      prev_exist: true,
      old_content: source.text,
      new_content: edited.text,
    };
  }

  private async write(file: string, raw: string, encoding: TextFile['encoding']): Promise<void> {
    await writeTextFile(file, raw, encoding).catch((error: unknown) => {
      throw EditorError.fileSystem(error, 'write to', file);
    });
  }
}

async function viewImage(file: string, type: string): Promise<Content[]> {
  const bytes = await reading(file, readBounded);
  const url = `data:${type};base64,${bytes.toString('base64')}`;
  return [
    textContent(`Image file ${file} read successfully. Displaying image content.`),
    { cache_prompt: false, type: 'image', image_urls: [url] },
  ];
}

function viewLines(
  file: string,
  lines: readonly string[],
  range: readonly number[],
  mask: (text: string) => string,
): string {
  const title = `Here's the result of running \`cat -n\` on ${file}:\n`;
  if (range.length === 0) return title + numberLines(lines, 1, mask);
  const [first, last] = range;
  if (range.length !== 2 || first === undefined || last === undefined) {
    throw EditorError.invalid('view_range', range, 'It should be a list of two integers.');
  }
  const count = lines.length;
  if (first < 1 || first > count) {
    const hint = `Its first element \`${first}\` should be within the range of lines of the file: [1, ${count}].`;
    throw EditorError.invalid('view_range', range, hint);
  }
  if (last !== -1 && last < first) {
    const hint = `Its second element \`${last}\` should be greater than or equal to the first element \`${first}\`.`;
    throw EditorError.invalid('view_range', range, hint);
  }
  const note =
    last > count
      ? `NOTE: We only show up to ${count} since there're only ${count} lines in this file.\n`
      : '';
  return note + title + numberLines(lines.slice(first - 1, last === -1 ? count : last), first, mask);
}

/**
 * The changed lines with a few around them, numbered. `from`: the line of the change, or the one above it.
 */
function showAround(
  lines: readonly string[],
  from: number,
  to: number,
  mask: (text: string) => string,
): string {
  const first = Math.max(0, from - SNIPPET_LINES);
  return numberLines(lines.slice(first, to + SNIPPET_LINES), first + 1, mask);
}

function nameLines(lines: readonly number[]): string {
  const named = lines.slice(0, MAX_NAMED_LINES).join(', ');
  return lines.length > MAX_NAMED_LINES ? `[${named}, ...]` : `[${named}]`;
}

async function reading<T>(file: string, read: (file: string) => Promise<T>): Promise<T> {
  try {
    return await read(file);
  } catch (error) {
    if (error instanceof FileRefusedError) throw error;
    throw EditorError.fileSystem(error, 'read', file);
  }
}
