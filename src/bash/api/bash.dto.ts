import { Field, choice, flag, instant, integer, nullable, text, uuid } from '../../http/index.js';

/** A command to run. */
export class ExecuteBashRequestDto {
  @Field(text(), 'The command, run by `/bin/sh -c`.')
  command!: string;

  @Field(
    nullable(text()),
    'The working directory. A relative path is resolved in the default one, which is the folder of the ' +
      'conversation or of the server; null: the default one.',
  )
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
  @Field(nullable(choice(['BashCommand', 'BashOutput'])), 'Only events of this kind; null: both kinds.')
  kind__eq: 'BashCommand' | 'BashOutput' | null = null;

  @Field(nullable(uuid()), 'Only outputs of the command with this id; null: of all commands.')
  command_id__eq: string | null = null;

  @Field(
    nullable(instant()),
    'Only events from this time on. A time without a zone is local time of the server.',
  )
  timestamp__gte: string | null = null;

  @Field(
    nullable(instant()),
    'Only events before this time. A time without a zone is local time of the server.',
  )
  timestamp__lt: string | null = null;

  @Field(nullable(integer()), 'Only outputs with a higher `order`, and commands.')
  order__gt: number | null = null;

  @Field(
    choice(['TIMESTAMP', 'TIMESTAMP_DESC'], 'enum'),
    '`TIMESTAMP`: oldest first; `TIMESTAMP_DESC`: newest first.',
  )
  sort_order = 'TIMESTAMP';

  @Field(nullable(text()), 'The `next_page_id` of the previous page; null: the first page.')
  page_id: string | null = null;

  @Field(integer({ gt: 0, le: 100 }), 'Maximum number of events in the page.')
  limit = 100;
}
