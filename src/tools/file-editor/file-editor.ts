import path from 'node:path';
import { textContent, type Content } from '../../events/index.js';
import { ConfinedFiles } from '../../files/index.js';
import { EditHistory } from './edit-history.js';
import { FileToolError } from '../text-files/file-tool-error.js';
import { pathKind, requireAbsolute, tidyPath, type PathKind } from '../text-files/file-path.js';
import { numberLines } from './number-lines.js';
import { findUnique } from '../text-files/find-text.js';
import { normaliseLineEnds, SourceText, splitLines } from '../text-files/source-text.js';
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

/** The arguments of a call. The command determines which are required. */
export interface EditorRequest {
  command: EditorCommand;
  path: string;
  file_text?: string;
  old_str?: string;
  new_str?: string;
  insert_line?: number;
  view_range?: number[];
}

/** The result of a command. Contents have normalised line ends (`\n`). */
interface EditorResult {
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

/** The number of lines that are shown around a change. */
const SNIPPET_LINES = 4;
/** The maximum number of lines in an error about several occurrences. */
const MAX_LISTED_LINES = 100;

const UTF8 = { name: 'utf-8', bom: false } as const;

/**
 * Views and edits files by absolute path: all that programs of the conversation may use as well.
 *
 * Differs from the original server: an edit preserves line ends and encodings of untouched text, follows
 * symbolic links instead of replacing them, and keeps owner and mode; new files get the default mode; text
 * inserted behind a last line without a line end begins a new line; line numbers behind a cut are correct;
 * the edit history survives a restart.
 */
export class FileEditor {
  private readonly history: EditHistory;

  constructor(
    private readonly workingDir: string,
    historyFolder: string,
    /** Masks secrets in file contents that are shown. */
    private readonly mask: (text: string) => string = (text) => text,
    private readonly files: ConfinedFiles = new ConfinedFiles(),
  ) {
    this.history = new EditHistory(historyFolder);
  }

  /**
   * Executes a command.
   * @throws FileToolError, FileRefusedError, FileRefusal with a message for the model
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
    await requireAbsolute(this.files, file, this.workingDir);
    const kind = await pathKind(this.files, file);
    if (command === 'create') {
      if (kind === 'missing') return kind;
      const hint = `File already exists at: ${file}. Cannot overwrite files using command \`create\`.`;
      throw FileToolError.invalid('path', file, hint);
    }
    if (kind === 'missing') {
      throw FileToolError.invalid(
        'path',
        file,
        `The path ${file} does not exist. Please provide a valid path.`,
      );
    }
    if (kind === 'directory' && command !== 'view') {
      const hint = `The path ${file} is a directory and only the \`view\` command can be used on directories.`;
      throw FileToolError.invalid('path', file, hint);
    }
    return kind;
  }

  private async view(file: string, kind: PathKind, range: readonly number[]): Promise<EditorResult> {
    const result = { path: file, prev_exist: true };
    if (kind === 'directory') {
      if (range.length > 0) {
        const hint = 'The `view_range` parameter is not allowed when `path` points to a directory.';
        throw FileToolError.invalid('view_range', range, hint);
      }
      const listing = await viewDirectory(this.files, file).catch((error: unknown) => {
        throw FileToolError.fileSystem(error, 'read', file);
      });
      return { content: [textContent(listing)], ...result };
    }
    const imageType = IMAGE_TYPES.get(path.extname(file).toLowerCase());
    if (imageType) return { content: await this.viewImage(file, imageType), ...result };
    const { raw } = await this.readOrRefuse(file, readTextFile);
    const lines = splitLines(normaliseLineEnds(raw));
    return { content: [textContent(viewLines(file, lines, range, this.mask))], ...result };
  }

  private async create(file: string, text: string | undefined): Promise<EditorResult> {
    if (text === undefined) throw FileToolError.missing('file_text', 'create');
    await this.write(file, text, UTF8);
    // Undo restores the text as it was created.
    await this.history.push(file, Buffer.from(text));
    return {
      content: [textContent(`File created successfully at: ${file}`)],
      path: file,
      prev_exist: false,
      new_content: text,
    };
  }

  private async replace(file: string, oldText?: string, newText?: string): Promise<EditorResult> {
    if (oldText === undefined) throw FileToolError.missing('old_str', 'str_replace');
    if (newText === undefined) throw FileToolError.missing('new_str', 'str_replace');
    if (oldText === newText) {
      const hint = 'No replacement was performed. `new_str` and `old_str` must be different.';
      throw FileToolError.invalid('new_str', newText, hint);
    }
    const before = await this.readOrRefuse(file, readTextFile);
    const source = new SourceText(before.raw);
    const place = findUnique(source.text, normaliseLineEnds(oldText));
    if (place.kind === 'missing') {
      throw new FileToolError(
        `No replacement was performed, old_str \`${place.searched}\` did not appear verbatim in ${file}.`,
      );
    }
    if (place.kind === 'ambiguous') {
      throw new FileToolError(
        `No replacement was performed. Multiple occurrences of old_str \`${place.searched}\` ` +
          `in lines ${listLines(place.lines)}. Please ensure it is unique.`,
      );
    }
    const edited = source.splice(place.start, place.end, newText);
    const added = newText.split('\n').length - 1;
    const snippet = snippetAround(edited.lines, place.line, place.line + added, this.mask);
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
    if (line === undefined) throw FileToolError.missing('insert_line', 'insert');
    if (text === undefined) throw FileToolError.missing('new_str', 'insert');
    const before = await this.readOrRefuse(file, readTextFile);
    const source = new SourceText(before.raw);
    const { lines } = source;
    if (line < 0 || line > lines.length) {
      const hint = `It should be within the range of allowed values: [0, ${lines.length}]`;
      throw FileToolError.invalid('insert_line', line, hint);
    }
    const at = lines.slice(0, line).reduce((offset, above) => offset + above.length + 1, 0);
    const needsLineEnd = at > source.text.length;
    const edited = source.splice(
      Math.min(at, source.text.length),
      Math.min(at, source.text.length),
      `${needsLineEnd ? '\n' : ''}${text}\n`,
    );
    const snippet = snippetAround(edited.lines, line, line + text.split('\n').length, this.mask);
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
    const version = await this.history.last(file);
    const earlier = version && decodeText(version);
    if (!earlier) throw new FileToolError(`No edit history found for ${file}.`);
    const before = await this.readOrRefuse(file, readTextFile);
    await this.write(file, earlier.raw, earlier.encoding);
    await this.history.drop(file);
    const content = normaliseLineEnds(earlier.raw);
    return {
      content: [
        textContent(
          `Last edit to ${file} undone successfully. Here's the result of running \`cat -n\` on ${file}:\n` +
            numberLines(splitLines(content), 1, this.mask),
        ),
      ],
      path: file,
      prev_exist: true,
      old_content: normaliseLineEnds(before.raw),
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
    await writeTextFile(this.files, file, raw, encoding).catch((error: unknown) => {
      throw FileToolError.fileSystem(error, 'write to', file);
    });
  }

  private async viewImage(file: string, type: string): Promise<Content[]> {
    const bytes = await this.readOrRefuse(file, readBounded);
    const url = `data:${type};base64,${bytes.toString('base64')}`;
    return [
      textContent(`Image file ${file} read successfully. Displaying image content.`),
      { cache_prompt: false, type: 'image', image_urls: [url] },
    ];
  }

  private async readOrRefuse<T>(
    file: string,
    read: (files: ConfinedFiles, file: string) => Promise<T>,
  ): Promise<T> {
    try {
      return await read(this.files, file);
    } catch (error) {
      if (error instanceof FileRefusedError) throw error;
      throw FileToolError.fileSystem(error, 'read', file);
    }
  }
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
    throw FileToolError.invalid('view_range', range, 'It should be a list of two integers.');
  }
  const count = lines.length;
  if (first < 1 || first > count) {
    const hint = `Its first element \`${first}\` should be within the range of lines of the file: [1, ${count}].`;
    throw FileToolError.invalid('view_range', range, hint);
  }
  if (last !== -1 && last < first) {
    const hint = `Its second element \`${last}\` should be greater than or equal to the first element \`${first}\`.`;
    throw FileToolError.invalid('view_range', range, hint);
  }
  const note =
    last > count
      ? `NOTE: We only show up to ${count} since there're only ${count} lines in this file.\n`
      : '';
  return note + title + numberLines(lines.slice(first - 1, last === -1 ? count : last), first, mask);
}

/** The changed lines with their context, numbered. `from`: the first changed line, or the one above it. */
function snippetAround(
  lines: readonly string[],
  from: number,
  to: number,
  mask: (text: string) => string,
): string {
  const first = Math.max(0, from - SNIPPET_LINES);
  return numberLines(lines.slice(first, to + SNIPPET_LINES), first + 1, mask);
}

function listLines(lines: readonly number[]): string {
  const listed = lines.slice(0, MAX_LISTED_LINES).join(', ');
  return lines.length > MAX_LISTED_LINES ? `[${listed}, ...]` : `[${listed}]`;
}
