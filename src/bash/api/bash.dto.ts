import { Field, choice, flag, instant, integer, nullable, text, uuid } from '../../http/index.js';

/** A command to run. */
export class ExecuteBashRequestDto {
  @Field(text(), 'The command, run by `/bin/sh -c`.')
  command!: string;

  @Field(nullable(text()), 'The working directory. A relative path is resolved in the default one.')
  cwd: string | null = null;

  @Field(integer(), 'Timeout in seconds. If 0 or less, the command is not started.')
  timeout = 300;

  @Field(
    flag(),
    'Whether to emit output as it is produced, instead of when the command ends or after a megabyte.',
  )
  stream = false;
}

/** Filters, order and page of a search. */
export class BashEventSearchQueryDto {
  @Field(nullable(choice(['BashCommand', 'BashOutput'])))
  kind__eq: 'BashCommand' | 'BashOutput' | null = null;

  @Field(nullable(uuid()), 'Only outputs of this command.')
  command_id__eq: string | null = null;

  @Field(nullable(instant()), 'A time without a zone is local time of the server.')
  timestamp__gte: string | null = null;

  @Field(nullable(instant()), 'A time without a zone is local time of the server.')
  timestamp__lt: string | null = null;

  @Field(nullable(integer()), 'Only outputs with a higher order, and commands.')
  order__gt: number | null = null;

  @Field(choice(['TIMESTAMP', 'TIMESTAMP_DESC'], 'enum'))
  sort_order = 'TIMESTAMP';

  @Field(nullable(text()), 'The `next_page_id` of the previous page.')
  page_id: string | null = null;

  @Field(integer({ gt: 0, le: 100 }))
  limit = 100;
}
