import type { MessageRole } from '../../../events/index.js';
import { firstValidOf, Field, NoOtherFields, choice, flag, listOf, text } from '../../../http/index.js';

const ROLES: readonly MessageRole[] = ['user', 'system', 'assistant', 'tool'];

/** A block of text. */
@NoOtherFields()
export class TextContentDto {
  @Field(flag(), 'Marks the end of the prefix that the provider should cache.')
  cache_prompt = false;

  @Field(choice(['text']))
  type = 'text' as const;

  @Field(text())
  text!: string;
}

/** One or more images. */
export class ImageContentDto {
  @Field(flag())
  cache_prompt = false;

  @Field(choice(['image']))
  type = 'image' as const;

  @Field(listOf(text()), 'http(s) or data: URLs.')
  image_urls!: string[];
}

/** A message to the agent. */
export class SendMessageRequestDto {
  @Field(choice(ROLES), 'Only `user` is accepted.')
  role: MessageRole = 'user';

  @Field(listOf(firstValidOf({ TextContent: TextContentDto, ImageContent: ImageContentDto })))
  content: (TextContentDto | ImageContentDto)[] = [];

  @Field(flag(), 'Start a run, or have the active run answer the message.')
  run = false;
}

/** Accepts or rejects the actions that wait for confirmation. */
export class ConfirmationResponseRequestDto {
  @Field(flag())
  accept!: boolean;

  @Field(text(), 'Shown to the model if the actions are rejected.')
  reason = 'User rejected the action.';
}
