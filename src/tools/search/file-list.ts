import { textContent, type Observation } from '../../events/index.js';
import { SearchError } from './ripgrep.js';
import { CUT_NOTICE, requireFolder } from './search-place.js';

/** A search as the model is told of it. */
export interface FileSearch {
  /** Absolute path of the folder. */
  place: string;
  /** What was looked for, as in `matching pattern '*.ts'`. */
  what: string;
  /** What stands behind the folder, with a space before it. */
  suffix?: string;
  find: () => Promise<{ files: string[]; truncated: boolean }>;
  /** The observation of these files, without its text. */
  observation: (files: string[], truncated: boolean) => { kind: string; [field: string]: unknown };
}

/** Searches, and lists what was found; what is wrong with the search is an answer, too. */
export async function listFiles({
  place,
  what,
  suffix = '',
  find,
  observation,
}: FileSearch): Promise<Observation> {
  const answer = (text: string, files: string[] = [], truncated = false, is_error = false): Observation => ({
    content: [textContent(text)],
    is_error,
    ...observation(files, truncated),
  });
  try {
    await requireFolder(place);
    const { files, truncated } = await find();
    if (files.length === 0) return answer(`No files found ${what} in directory '${place}'${suffix}`);
    const title = `Found ${files.length} file(s) ${what} in '${place}'${suffix}:`;
    return answer(`${[title, ...files].join('\n')}${truncated ? CUT_NOTICE : ''}`, files, truncated);
  } catch (error) {
    if (!(error instanceof SearchError)) throw error;
    return answer(error.message, [], false, true);
  }
}
