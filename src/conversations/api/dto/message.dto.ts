import type { MessageRole } from '../../../events/index.js';
import { firstValidOf } from '../../../http/validation/dto.js';
import { Field, NoOtherFields } from '../../../http/validation/field.js';
import { choice, flag, listOf, text } from '../../../http/validation/field-type.js';

const ROLES: readonly MessageRole[] = ['user', 'system', 'assistant', 'tool'];

/** A block of text. */
@NoOtherFields()
export class TextContentDto {
  @Field(flag(), 'Marks the end of what the provider should cache.')
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

  @Field(listOf(text()), 'Each an http(s) URL or a data: URL.')
  image_urls!: string[];
}

/** A message to the agent. */
export class SendMessageRequestDto {
  @Field(choice(ROLES), 'Only messages of the user are taken.')
  role: MessageRole = 'user';

  @Field(listOf(firstValidOf({ TextContent: TextContentDto, ImageContent: ImageContentDto })))
  content: (TextContentDto | ImageContentDto)[] = [];

  @Field(flag(), 'Starts a run, or lets the one that is going on see the message.')
  run = false;
}

/** The answer of a person to actions that wait for confirmation. */
export class ConfirmationResponseRequestDto {
  @Field(flag())
  accept!: boolean;

  @Field(text(), 'Told to the model when the actions are refused.')
  reason = 'User rejected the action.';
}
