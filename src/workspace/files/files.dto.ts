import { Field } from '../../http/validation/field.js';
import { choice, flag, integer, listOf, nullable, text } from '../../http/validation/field-type.js';

/** Which file or folder is meant. */
export class FilePathQueryDto {
  @Field(text(), 'Absolute.')
  path!: string;
}

/** How the home folder is shown. */
export class HomeQueryDto {
  @Field(flag(), 'Also folders whose names begin with a dot.')
  include_hidden = false;
}

/** Which folders are listed, and how. */
export class SubdirectoriesQueryDto extends FilePathQueryDto {
  @Field(nullable(text()), 'The `next_page_id` of the page before.')
  page_id: string | null = null;

  @Field(integer({ gt: 0, le: 100 }))
  limit = 100;

  @Field(flag(), 'Also folders whose names begin with a dot.')
  include_hidden = false;
}

/** What an archive holds. */
export class ArchiveQueryDto extends FilePathQueryDto {
  @Field(choice(['git-delta', 'tar.gz']), 'A patch of what has changed in git, or all files.')
  format = 'git-delta';

  @Field(
    nullable(text()),
    'Branch, tag or commit that a patch starts from. Without it what the remote repository has.',
  )
  base_ref: string | null = null;

  @Field(flag(), 'Leaves out `.git`, `node_modules`, caches and what builds make.')
  use_default_excludes = true;

  @Field(nullable(listOf(text())), 'Patterns of what else is left out; may be repeated.')
  exclude: string[] | null = null;
}
