import { Field, choice, flag, integer, listOf, nullable, text } from '../../http/index.js';

/** A file or a folder. */
export class FilePathQueryDto {
  @Field(text(), 'Absolute path.')
  path!: string;
}

/** Options of the home listing. */
export class HomeQueryDto {
  @Field(flag(), 'Include folders whose names begin with a dot.')
  include_hidden = false;
}

/** Options of a listing of folders. */
export class SubdirectoriesQueryDto extends FilePathQueryDto {
  @Field(nullable(text()), 'The `next_page_id` of the previous page.')
  page_id: string | null = null;

  @Field(integer({ gt: 0, le: 100 }))
  limit = 100;

  @Field(flag(), 'Include folders whose names begin with a dot.')
  include_hidden = false;
}

/** Options of an archive. */
export class ArchiveQueryDto extends FilePathQueryDto {
  @Field(choice(['git-delta', 'tar.gz']), 'A patch of the changes in git, or all files.')
  format = 'git-delta';

  @Field(
    nullable(text()),
    'Branch, tag or commit that a patch starts from. By default what the remote repository has.',
  )
  base_ref: string | null = null;

  @Field(flag(), 'Exclude `.git`, `node_modules`, caches and build output.')
  use_default_excludes = true;

  @Field(nullable(listOf(text())), 'Further patterns to exclude; may be repeated.')
  exclude: string[] | null = null;
}
