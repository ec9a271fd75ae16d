import { model, Field, choice, flag, listOf, nullable, text } from '../../http/index.js';
import { orNull, textOr, nestedObject } from './unions.js';

/** Maximum number of messages; the conversation has its own history. */
const MAX_MESSAGES = 2048;

/** An image. */
class OpenAIImageURLDto {
  @Field(text(), 'An http(s) URL or a data: URL.')
  url!: string;
}

/** A part of a message. */
export class OpenAIContentPartDto {
  @Field(text(), '`text` or `image_url`.')
  type!: string;

  @Field(nullable(text()))
  text: string | null = null;

  @Field(orNull(textOr('OpenAIImageURL', nestedObject(OpenAIImageURLDto, 'OpenAIImageURL'))))
  image_url: OpenAIImageURLDto | string | null = null;
}

/** A message of the dialogue. */
class OpenAIChatMessageDto {
  @Field(choice(['system', 'developer', 'user', 'assistant', 'tool']))
  role!: string;

  @Field(
    orNull(
      textOr('list[OpenAIContentPart]', listOf(nestedObject(OpenAIContentPartDto, 'OpenAIContentPart'))),
    ),
  )
  content: string | OpenAIContentPartDto[] | null = null;
}

/** Options of a stream. */
class OpenAIStreamOptionsDto {
  @Field(flag(), 'The stream ends with the token usage of the conversation.')
  include_usage = false;

  @Field(flag(), 'False: only the final response, without the messages before it.')
  include_commentary = true;
}

/** A request for a chat completion. Other fields of OpenAI's API are accepted and ignored. */
export class OpenAIChatCompletionRequestDto {
  @Field(text(), '`openhands_` followed by the name of an LLM profile.')
  model!: string;

  @Field(
    listOf(model(OpenAIChatMessageDto), { max: MAX_MESSAGES }),
    'The last user message is sent to the agent; system messages are added to the prompt of a new conversation.',
  )
  messages!: OpenAIChatMessageDto[];

  @Field(flag())
  stream = false;

  @Field(nullable(model(OpenAIStreamOptionsDto)))
  stream_options: OpenAIStreamOptionsDto | null = null;
}
