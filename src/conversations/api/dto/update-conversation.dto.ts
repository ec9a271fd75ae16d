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
  )
  title: string | null = null;

  @Field(nullable(tags), 'Replaces all tags.')
  tags: Record<string, string> | null = null;

  @Field(
    nullable(decimal({ gt: 0 })),
    'US dollars; applies from the next step on. Null removes the budget.',
    {
      optional: true,
    },
  )
  max_budget_per_run?: number | null;
}
