import { Field, choice, flag, integer, listOf, nullable, text } from '../../http/index.js';

/** A file or a folder. */
export class FilePathQueryDto {
  @Field(
    text(),
    'Absolute path of the file or folder on the machine of the server; in a conversation also a path in its ' +
      'working folder that begins with `./`.',
  )
  path!: string;
}

/** A range of lines of a file. */
export class LinesQueryDto extends FilePathQueryDto {
  @Field(integer({ ge: 1, le: Number.MAX_SAFE_INTEGER }), 'Number of the first line, from 1.')
  from = 1;

  @Field(
    integer({ ge: 0, le: Number.MAX_SAFE_INTEGER }),
    'Where that line begins in the file, in bytes, as `next` of an earlier answer says; 0: not known.',
  )
  offset = 0;

  @Field(integer({ ge: 1, le: 5_000 }), 'Maximum number of lines.')
  count = 500;
}

/** A level of a tree. */
export class TreeQueryDto extends FilePathQueryDto {
  @Field(nullable(text({ max: 2_000 })), 'The `next_page_id` of the previous page; null: the first page.')
  page_id: string | null = null;

  @Field(integer({ ge: 1, le: 1_000 }), 'Maximum number of entries in the page.')
  limit = 500;

  @Field(flag(), 'Include entries whose names begin with a dot.')
  hidden = true;

  @Field(flag(), 'Ask git for the state of the entries.')
  git = true;
}

/** Options of the home listing. */
export class HomeQueryDto {
  @Field(flag(), 'Include folders whose names begin with a dot.')
  include_hidden = false;
}

/** Options of a listing of folders. */
export class SubdirectoriesQueryDto extends FilePathQueryDto {
  @Field(nullable(text()), 'The `next_page_id` of the previous page; null: the first page.')
  page_id: string | null = null;

  @Field(integer({ gt: 0, le: 100 }), 'Maximum number of folders in the page.')
  limit = 100;

  @Field(flag(), 'Include folders whose names begin with a dot.')
  include_hidden = false;
}

/** Options of an archive. */
export class ArchiveQueryDto extends FilePathQueryDto {
  @Field(
    choice(['git-delta', 'tar.gz']),
    '`git-delta`: a patch of the changes in git. `tar.gz`: an archive of all files.',
  )
  format = 'git-delta';

  @Field(
    nullable(text()),
    'Branch, tag or commit that a patch starts from; null: what the remote repository has.',
  )
  base_ref: string | null = null;

  @Field(flag(), 'Exclude `.git`, `node_modules`, caches and build output from the archive.')
  use_default_excludes = true;

  @Field(
    nullable(listOf(text())),
    'Further patterns of names or paths to exclude; may be repeated. Null: none.',
  )
  exclude: string[] | null = null;
}
