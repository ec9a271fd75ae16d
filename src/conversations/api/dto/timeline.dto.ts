import { Field, choice, integer, nullable } from '../../../http/index.js';
import { SPAN_KINDS, type SpanKind } from '../../timeline/span.js';

/** Filter and page of the spans of a conversation. */
export class TimelineQueryDto {
  @Field(
    nullable(integer({ ge: 0 })),
    'The `next_page_id` of the previous page; null: the page that ends with the last span.',
  )
  page_id: number | null = null;

  @Field(integer({ gt: 0, le: 1000 }), 'Maximum number of spans in the page.')
  limit = 200;

  @Field(nullable(choice(SPAN_KINDS, 'enum')), 'Only spans of this kind; null: all.')
  kind: SpanKind | null = null;
}
