import { Field, decimal, nullable, text } from '../../../http/index.js';
import { tags } from './tags.js';

/** Changes of a conversation. Missing fields are not changed; null only changes the budget. */
export class UpdateConversationRequestDto {
  @Field(
    nullable(
      text({
        min: 1,
        max: 200,
        check: (title) => (title.trim() === '' ? 'title must not be blank' : undefined),
      }),
    ),
    'New title; null or missing: not changed.',
  )
  title: string | null = null;

  @Field(nullable(tags), 'New labels, which replace all present ones; null or missing: not changed.')
  tags: Record<string, string> | null = null;

  @Field(
    nullable(decimal({ gt: 0 })),
    'New budget in US dollars, from the next step on. Null removes the budget; missing: not changed.',
    {
      optional: true,
    },
  )
  max_budget_per_run?: number | null;
}
