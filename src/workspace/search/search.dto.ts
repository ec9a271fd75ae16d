import { choice, Field, flag, integer, listOf, text } from '../../http/index.js';
import { FilePathQueryDto } from '../files/files.dto.js';
import { MAX_QUERY } from './fuzzy.js';

/** A folder to search, and which of its files are looked at. */
class SearchQueryDto extends FilePathQueryDto {
  @Field(flag(), 'Also look at files and folders whose names begin with a dot. `.git` is never looked at.')
  hidden = false;

  @Field(flag(), 'Also look at files that `.gitignore`, `.ignore` and `.rgignore` leave out.')
  ignored = false;
}

/** Query for files by name. */
export class NameSearchQueryDto extends SearchQueryDto {
  @Field(
    text({ max: MAX_QUERY }),
    'Characters that occur in the path in this order, in upper or lower case. Words that are separated by spaces ' +
      'are looked for each on its own. Empty: all files.',
  )
  query = '';

  @Field(integer({ ge: 1, le: 200 }), 'Maximum number of files in the answer.')
  limit = 50;
}

const glob = text({ min: 1, max: 500 });

/** Query for lines of files. */
export class ContentSearchQueryDto extends SearchQueryDto {
  @Field(text({ min: 1, max: 1_000 }), 'The text, or the regular expression, that a line has to contain.')
  query!: string;

  @Field(
    flag(),
    'The query is a regular expression in the syntax of Rust (https://docs.rs/regex): no look-around and no back-references, ' +
      'so that its time grows with the length of the text only.',
  )
  regex = false;

  @Field(
    choice(['smart', 'sensitive', 'insensitive']),
    'Whether upper and lower case are told apart. `smart`: if the query has upper case.',
  )
  case: 'smart' | 'sensitive' | 'insensitive' = 'smart';

  @Field(flag(), 'Only matches that are whole words.')
  whole_words = false;

  @Field(
    listOf(glob, { max: 20 }),
    'Globs of which a file has to match one, such as `*.ts` or `src/**/*.{js,ts}`; may be repeated. Without a ' +
      'slash it is for the name, with one for the path from the searched folder. Empty: all files.',
  )
  include: string[] = [];

  @Field(listOf(glob, { max: 20 }), 'Globs of files and folders that are left out; may be repeated.')
  exclude: string[] = [];

  @Field(integer({ ge: 0, le: 10 }), 'Number of lines around each match that are sent, too.')
  context = 0;

  @Field(integer({ ge: 1, le: 5_000 }), 'Maximum number of matching lines.')
  limit = 500;
}
