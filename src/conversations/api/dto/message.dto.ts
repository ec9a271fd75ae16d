import type { MessageRole } from '../../../events/index.js';
import { firstValidOf, Field, NoOtherFields, choice, flag, listOf, text } from '../../../http/index.js';

const ROLES: readonly MessageRole[] = ['user', 'system', 'assistant', 'tool'];

/** A block of text. */
@NoOtherFields()
export class TextContentDto {
  @Field(flag(), 'Marks the end of the prefix that the provider should cache.')
  cache_prompt = false;

  @Field(choice(['text']), 'Marks a block of text.')
  type = 'text' as const;

  @Field(text(), 'The text, which the model reads unchanged.')
  text!: string;
}

/** One or more images. */
export class ImageContentDto {
  @Field(flag(), 'Marks the end of the prefix that the provider should cache.')
  cache_prompt = false;

  @Field(choice(['image']), 'Marks one or more images.')
  type = 'image' as const;

  @Field(listOf(text()), 'The images, as `http:`, `https:` or `data:` URLs.')
  image_urls!: string[];
}

/** A message to the agent. */
export class SendMessageRequestDto {
  @Field(choice(ROLES), 'Who the message is from. Only `user` is accepted.')
  role: MessageRole = 'user';

  @Field(
    listOf(firstValidOf({ TextContent: TextContentDto, ImageContent: ImageContentDto })),
    'Blocks of text and images that make up the message.',
  )
  content: (TextContentDto | ImageContentDto)[] = [];

  @Field(flag(), 'Start a run, or have the active run answer the message.')
  run = false;
}

/** What the model reads when actions are rejected without a reason. */
export const DEFAULT_REJECTION = 'User rejected the action.';

/** Accepts or rejects the actions that wait for confirmation. */
export class ConfirmationResponseRequestDto {
  @Field(flag(), 'Whether the pending actions are executed.')
  accept!: boolean;

  @Field(text(), 'Why the actions are rejected; the model reads it. Not used if they are accepted.')
  reason = DEFAULT_REJECTION;
}
