import { InvalidRequestError } from '../../errors/index.js';
import type { Confinement } from '../../sandbox/index.js';
import { globMatcher } from '../../tools/index.js';
import { LineRecords, type FoundLine } from './line-record.js';
import { recordLines } from './record-lines.js';
import { choiceArguments, type FileChoice, startRipgrep } from './ripgrep-run.js';

/** What is searched for in the content of files. */
export interface ContentQuery extends FileChoice {
  query: string;
  /** The query is a regular expression, of the kind whose effort grows with the length of the text only. */
  regex: boolean;
  /** `smart`: upper and lower case are told apart if the query has upper case. */
  case: 'smart' | 'sensitive' | 'insensitive';
  wholeWords: boolean;
  /** Globs of which a file has to match one; none: all files. */
  include: readonly string[];
  /** Globs of files that are left out. */
  exclude: readonly string[];
  /** Lines shown before and after a match. */
  context: number;
  /** Most matching lines. */
  limit: number;
}

/** Why a search ended before its end. */
export type SearchStop = 'matches' | 'size' | 'time';

/** The last record of a search. */
interface EndRecord {
  type: 'end';
  /** Matching lines that were sent. */
  matches: number;
  /** Files that they are in. */
  files: number;
  /** Null: everything was searched. */
  stopped: SearchStop | null;
}

/** A part of the answer of a search. */
export type SearchRecord = FoundLine | EndRecord;

/** Time limit of a search (ms). */
const TIMEOUT_MS = 30_000;
/** The most characters of paths and lines in an answer. */
const MAX_ANSWER_CHARACTERS = 4 * 1024 * 1024;
/** Larger files are not searched. */
const MAX_FILE = '20M';
/** Compiled regular expressions take no more memory. */
const MAX_REGEX = '8M';

/** Where a search takes place. */
export interface SearchPlace {
  /** Real path. */
  folder: string;
  confinement: Confinement;
  /** Ends the search. */
  signal: AbortSignal;
  /** Called when its process has ended, at the latest after the time limit, whoever reads the records. */
  onEnd?: () => void;
}

/**
 * Searches files by content: records in the order in which they are found, those of a file together,
 * then the end. The process ends with the last record, with the signal, and when the generator is closed.
 * @throws InvalidRequestError for a query or a glob that cannot be used, before the first record;
 *   SearchError, SandboxError
 */
export async function* searchContent(
  query: ContentQuery,
  place: SearchPlace,
): AsyncGenerator<SearchRecord, void> {
  const accepts = acceptedBy(query.include);
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  const { folder, confinement } = place;
  const signal = AbortSignal.any([place.signal, deadline]);
  const run = await startRipgrep({ args: argumentsOf(query), folder, confinement, signal });
  void run.ended.then(place.onEnd);
  const counts = { matches: 0, files: 0, characters: 0 };
  const ended = (stopped: SearchStop | null): EndRecord => ({
    type: 'end',
    matches: counts.matches,
    files: counts.files,
    stopped,
  });
  const records = new LineRecords();
  let stopped: SearchStop | null = null;
  try {
    for await (const printed of recordLines(run.output)) {
      const found = records.next(printed);
      if (!found || !accepts(found.line.path)) continue;
      const { line, isFirst } = found;
      if (line.type === 'match' && counts.matches === query.limit) stopped = 'matches';
      counts.characters += line.path.length + (line.text?.length ?? 0);
      if (counts.characters > MAX_ANSWER_CHARACTERS) stopped = 'size';
      if (stopped !== null) break;
      if (line.type === 'match') counts.matches += 1;
      if (isFirst) counts.files += 1;
      yield line;
    }
    if (deadline.aborted) stopped = 'time';
    if (stopped === null) {
      const { code, error } = await run.ended;
      // The code is also 2 if a file could not be read, but then nothing is printed.
      if (code === 2 && error !== '' && counts.matches === 0) throw refusalOf(error);
    }
    yield ended(stopped);
  } finally {
    run.end();
  }
}

function argumentsOf(query: ContentQuery): string[] {
  const cases = { smart: '--smart-case', sensitive: '--case-sensitive', insensitive: '--ignore-case' };
  return [
    '--json',
    cases[query.case],
    `--context=${query.context}`,
    `--max-count=${query.limit + 1}`,
    `--max-filesize=${MAX_FILE}`,
    `--regex-size-limit=${MAX_REGEX}`,
    `--dfa-size-limit=${MAX_REGEX}`,
    ...(query.regex ? [] : ['--fixed-strings']),
    ...(query.wholeWords ? ['--word-regexp'] : []),
    ...choiceArguments(query),
    ...typeArguments(query.include),
    ...query.exclude.map((glob) => `--glob=!${glob}`),
    `--regexp=${query.query}`,
    '--',
    './',
  ];
}

/**
 * Has ripgrep skip files unread whose names match no glob. A glob with a slash is for whole paths, which this
 * does not know; `--glob` would bring ignored files back.
 */
function typeArguments(include: readonly string[]): string[] {
  if (include.length === 0 || include.some((glob) => glob.includes('/'))) return [];
  return [...include.map((glob) => `--type-add=asked:${glob}`), '--type=asked'];
}

function acceptedBy(include: readonly string[]): (file: string) => boolean {
  if (include.length === 0) return () => true;
  try {
    const matchers = include.map((glob) =>
      globMatcher(glob.includes('/') ? glob.replace(/^\/+/, '') : `**/${glob}`, { hidden: true }),
    );
    return (file) => matchers.some((matches) => matches(file));
  } catch (error) {
    throw new InvalidRequestError(['query', 'include'], error instanceof Error ? error.message : '');
  }
}

/** What is wrong with the query, in ripgrep's words without its name. */
function refusalOf(error: string): InvalidRequestError {
  const text = error.replace(/^rg: /gm, '').trim();
  const field = /glob/i.test(text) ? 'exclude' : /file type/i.test(text) ? 'include' : 'query';
  return new InvalidRequestError(['query', field], `The search cannot be done: ${text}`);
}
