import { mkdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { undefinedIfMissing, replaceFile } from '../../../files/index.js';
import type { CatalogueEntry } from '../../catalogue.js';
import { FILE_MODE, FOLDER_MODE } from '../conversation-folder.js';

/** In a folder of its own: replacing the file does not change the folder of the conversations. */
const FOLDER = '.catalogue';
const FILE = 'summary';
const HEADER = 'openhands-agent-server catalogue 2';
/** A line: id, created_at, updated_at, execution_status, parent or nothing, owner or nothing, stamp. */
const FIELDS = 7;
/** A summary of a million conversations has a third of it. */
const MAX_BYTES = 512 * 1024 * 1024;
const CHUNK_CHARACTERS = 256 * 1024;

/** An entry, and the stamp of the metadata that it was read from (`Catalogue.stampOf`). */
export interface SummaryLine {
  entry: CatalogueEntry;
  stamp: string;
}

/**
 * The entries of a former scan in one file, so that a start need not open each conversation. It is only a
 * cache: a line counts if the metadata still have its stamp, and a file that is missing, cut off or of
 * another format is the same as none.
 */
export class CatalogueSummary {
  private readonly folder: string;
  private readonly file: string;

  constructor(conversationsPath: string) {
    this.folder = path.join(conversationsPath, FOLDER);
    this.file = path.join(this.folder, FILE);
  }

  /** The lines; none if there is no valid summary. */
  async read(): Promise<Iterable<SummaryLine>> {
    try {
      const size = (await stat(this.file).catch(undefinedIfMissing))?.size;
      if (size === undefined || size > MAX_BYTES) return [];
      const bytes = await readFile(this.file);
      return isComplete(bytes) ? parse(bytes) : [];
    } catch {
      return [];
    }
  }

  /**
   * Replaces the summary.
   * @throws the error of the file system
   */
  async write(lines: Iterable<SummaryLine>): Promise<void> {
    await mkdir(this.folder, { mode: FOLDER_MODE, recursive: true });
    await replaceFile(this.file, format(lines), { mode: FILE_MODE, replacesLink: true });
  }
}

/** Whether a file has our format and its last line, which says how many there are. */
function isComplete(bytes: Buffer): boolean {
  if (bytes.toString('utf8', 0, HEADER.length + 1) !== `${HEADER}\n`) return false;
  let lines = 0;
  let start = 0;
  for (let at = bytes.indexOf(10); at >= 0 && at < bytes.length - 1; at = bytes.indexOf(10, at + 1)) {
    lines += 1;
    start = at + 1;
  }
  return bytes.toString('utf8', start) === `end ${lines - 1}\n`;
}

/** The lines of a complete file. Lines of another form are left out. */
function* parse(bytes: Buffer): Generator<SummaryLine> {
  let at = HEADER.length + 1;
  for (let end = bytes.indexOf(10, at); end >= 0; end = bytes.indexOf(10, at)) {
    const fields = bytes.toString('utf8', at, end).split('\t');
    at = end + 1;
    if (fields.length !== FIELDS) continue;
    const [id = '', created_at = '', updated_at = '', execution_status = '', parent, owner, stamp = ''] =
      fields;
    const parent_conversation_id = parent === '' ? null : (parent ?? null);
    const owner_key = owner === '' ? null : (owner ?? null);
    yield {
      entry: { id, created_at, updated_at, execution_status, parent_conversation_id, owner_key },
      stamp,
    };
  }
}

function* format(lines: Iterable<SummaryLine>): Generator<string> {
  let text = `${HEADER}\n`;
  let count = 0;
  for (const { entry, stamp } of lines) {
    const fields = [
      entry.id,
      entry.created_at,
      entry.updated_at,
      entry.execution_status,
      entry.parent_conversation_id ?? '',
      entry.owner_key ?? '',
      stamp,
    ];
    const line = fields.join('\t');
    // Such metadata were not written by a server: they are read again at each start.
    if (line.includes('\n') || line.split('\t').length !== FIELDS) continue;
    text += `${line}\n`;
    count++;
    if (text.length < CHUNK_CHARACTERS) continue;
    yield text;
    text = '';
  }
  yield `${text}end ${count}\n`;
}
