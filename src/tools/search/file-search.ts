import path from 'node:path';
import { FileRefusal, type ConfinedFiles } from '../../files/index.js';
import { textContent, type Observation } from '../../events/index.js';
import { SearchError } from './ripgrep.js';

/** The maximum number of files in a result. */
export const MAX_FILES = 100;

const TRUNCATION_NOTICE = `\n\n[Results truncated to the first ${MAX_FILES} files. Please use a more specific pattern or path.]`;

/** A search, and how its result is presented. */
interface FileSearch {
  files: ConfinedFiles;
  /** Absolute path of the folder. */
  folder: string;
  /** What is searched for, as in `matching pattern '*.ts'`. */
  criterion: string;
  /** Text after the folder, with a leading space. */
  suffix?: string;
  find: () => Promise<{ files: string[]; truncated: boolean }>;
  /** The fields of the observation other than its text. */
  observation: (files: string[], truncated: boolean) => { kind: string; [field: string]: unknown };
}

interface Found {
  files?: string[];
  truncated?: boolean;
  is_error?: boolean;
}

/** Runs a search and lists the files. A `SearchError` or a refusal becomes an observation with `is_error`. */
export async function runFileSearch({
  files: confined,
  folder,
  criterion,
  suffix = '',
  find,
  observation,
}: FileSearch): Promise<Observation> {
  const result = (
    text: string,
    { files = [], truncated = false, is_error = false }: Found = {},
  ): Observation => ({
    content: [textContent(text)],
    is_error,
    ...observation(files, truncated),
  });
  try {
    if ((await confined.kind(folder)) !== 'directory')
      throw new SearchError(`Search path '${folder}' is not a valid directory`);
    const { files, truncated } = await find();
    if (files.length === 0) return result(`No files found ${criterion} in directory '${folder}'${suffix}`);
    const title = `Found ${files.length} file(s) ${criterion} in '${folder}'${suffix}:`;
    const list = [title, ...files].join('\n');
    return result(`${list}${truncated ? TRUNCATION_NOTICE : ''}`, { files, truncated });
  } catch (error) {
    if (!(error instanceof SearchError || error instanceof FileRefusal)) throw error;
    return result(error.message, { is_error: true });
  }
}

/** The absolute path of a search's folder, which may be given relative to the workspace. */
export function searchFolder(workingDir: string, given: string | undefined): string {
  return path.resolve(workingDir, given ?? '.');
}
