import { Field } from '../../http/validation/field.js';
import { choice, flag, instant, integer, nullable, text, uuid } from '../../http/validation/field-type.js';

/** A command to run. */
export class ExecuteBashRequestDto {
  @Field(text(), 'Run by `/bin/sh -c`.')
  command!: string;

  @Field(nullable(text()), 'Folder to run in. A relative one starts from where a command without one runs.')
  cwd: string | null = null;

  @Field(integer(), 'Seconds until it is ended; 0 or less ends it at once.')
  timeout = 300;

  @Field(
    flag(),
    'Output becomes an event as it comes, not when the command ends or there is a megabyte of it.',
  )
  stream = false;
}

/** Which events of a shell are listed, and how. */
export class BashEventSearchQueryDto {
  @Field(nullable(choice(['BashCommand', 'BashOutput'])))
  kind__eq: 'BashCommand' | 'BashOutput' | null = null;

  @Field(nullable(uuid()), 'Outputs of this command.')
  command_id__eq: string | null = null;

  @Field(nullable(instant()), 'Without a zone: local time of the server.')
  timestamp__gte: string | null = null;

  @Field(nullable(instant()), 'Without a zone: local time of the server.')
  timestamp__lt: string | null = null;

  @Field(nullable(integer()), 'Outputs behind this one of their command, and commands.')
  order__gt: number | null = null;

  @Field(choice(['TIMESTAMP', 'TIMESTAMP_DESC'], 'enum'))
  sort_order = 'TIMESTAMP';

  @Field(nullable(text()), 'The `next_page_id` of the page before.')
  page_id: string | null = null;

  @Field(integer({ gt: 0, le: 100 }))
  limit = 100;
}
