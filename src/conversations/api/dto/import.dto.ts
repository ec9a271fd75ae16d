import { Field, flag, nullable, shortText } from '../../../http/index.js';

/** Options of an import. */
export class ImportQueryDto {
  @Field(
    flag(),
    'Import the conversation with a new id if a different one has its id; false: that is answered with 409.',
  )
  new_id = false;

  @Field(flag(), 'Only answer what an import would find; nothing is written.')
  dry_run = false;

  @Field(
    nullable(shortText()),
    'Time zone of the server that wrote the events, such as `Europe/Berlin` or `+02:00`: their timestamps have none. ' +
      'Null: found by the times of the conversation.',
  )
  time_zone: string | null = null;
}
