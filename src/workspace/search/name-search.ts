import { recordNames } from './record-lines.js';
import { fuzzyMatch, wordsOf } from './fuzzy.js';
import { choiceArguments, type FileChoice, startRipgrep } from './ripgrep-run.js';
import type { SearchPlace } from './content-search.js';

/** What is searched for in the names of files. */
export interface NameQuery extends FileChoice {
  /** Empty: the files whose paths are first. */
  query: string;
  /** Most files of the answer. */
  limit: number;
}

/** A file whose path fits. */
interface FoundName {
  /** Relative to the folder that was searched. */
  path: string;
  /** Comparable within one answer. */
  score: number;
  /** Which characters of `path` were matched (indexes of UTF-16 code units). */
  positions: number[];
}

/** The files that fit best. */
export interface FoundNames {
  /** The best first. */
  items: FoundName[];
  /** Files that fit, also those beyond the limit. */
  matching: number;
  /** Files that were looked at. */
  files: number;
  /** There are more files than are looked at. */
  truncated: boolean;
}

/** Time limit (ms). */
const TIMEOUT_MS = 15_000;
/** The most files that are looked at. */
const MAX_FILES = 300_000;

/**
 * Finds files by name, ranked as the quick open of an editor does. The paths are looked at as ripgrep lists
 * them, a chunk in each turn of the event loop, and only the best are kept.
 * @throws SearchError, SandboxError; the reason of the signal once it is aborted
 */
export async function searchNames(query: NameQuery, place: SearchPlace): Promise<FoundNames> {
  const words = wordsOf(query.query);
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  const { folder, confinement } = place;
  const run = await startRipgrep({
    args: ['--files', '--null', ...choiceArguments(query), '--', './'],
    folder,
    confinement,
    signal: AbortSignal.any([place.signal, deadline]),
  });
  const best = new BestNames(query.limit);
  let files = 0;
  let isCut = false;
  try {
    for await (const file of recordNames(run.output)) {
      if (files === MAX_FILES) {
        isCut = true;
        break;
      }
      files += 1;
      const match = fuzzyMatch(words, file);
      if (match) best.add({ path: file, ...match });
    }
    place.signal.throwIfAborted();
    return { items: best.items, matching: best.count, files, truncated: isCut || deadline.aborted };
  } finally {
    run.end();
  }
}

/** Keeps the best of any number of files. */
class BestNames {
  private kept: FoundName[] = [];
  count = 0;

  constructor(private readonly limit: number) {}

  get items(): FoundName[] {
    this.trim();
    return this.kept;
  }

  add(found: FoundName): void {
    this.count += 1;
    this.kept.push(found);
    if (this.kept.length >= this.limit * 2 + 100) this.trim();
  }

  private trim(): void {
    this.kept.sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1));
    this.kept.length = Math.min(this.kept.length, this.limit);
  }
}
